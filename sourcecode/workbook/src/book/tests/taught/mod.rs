//! What the library offers is taught, or it is said why not.

mod items;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use tempfile::TempDir;

use self::items::items;
use super::markup::{Piece, pieces};
use super::real_root;
use crate::book::build::build;
use crate::book::edition::EDITIONS;

/// What is not taught, each with its reason.
const FILE: &str = "book/not-taught.txt";

/// The names in the code of the English pages: in listings, in blocks, and in lines of text.
fn names() -> BTreeSet<String> {
    let root = real_root();
    build(&root).unwrap();
    let html = fs::read_to_string(EDITIONS[0].built(&root).join("print.html")).unwrap();
    let (mut names, mut depth) = (BTreeSet::new(), 0);
    for piece in pieces(&html) {
        match piece {
            Piece::Open(tag) if tag.name == "code" => depth += 1,
            Piece::Close(name) if name == "code" => depth -= 1,
            Piece::Text(text) if depth > 0 => {
                let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
                names.extend(words.map(str::to_owned));
            }
            _ => {}
        }
    }
    names
}

/// What is wrong with the items that are taught and those that are listed.
fn mistakes(items: &BTreeSet<String>, names: &BTreeSet<String>, list: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut reasons = BTreeMap::new();
    for line in list.lines() {
        match line.split_once(": ") {
            Some((item, reason)) if reason.len() > 10 => {
                if reasons.insert(item.to_owned(), reason).is_some() {
                    found.push(format!("`{item}` is listed twice"));
                }
            }
            _ => found.push(format!("`{line}` should be an item, a colon and a reason")),
        }
    }
    let taught = |item: &str| names.contains(item.rsplit("::").next().unwrap_or(item));
    for item in items {
        match (taught(item), reasons.contains_key(item)) {
            (false, false) => found.push(format!("no English page names `{item}` in its code")),
            (true, true) => found.push(format!("`{item}` is listed, and is taught")),
            _ => {}
        }
    }
    let gone = reasons.keys().filter(|item| !items.contains(*item));
    found.extend(gone.map(|item| format!("`{item}` is listed, and is not there")));
    found
}

#[test]
fn every_public_item_is_taught_or_listed() {
    let items = items(&real_root().join("sourcecode/beaker/src/lib.rs"));
    let list = fs::read_to_string(real_root().join(FILE)).unwrap();
    let mistakes = mistakes(&items, &names(), &list);
    assert!(mistakes.is_empty(), "{FILE}:\n{}", mistakes.join("\n"));
}

#[test]
fn what_is_neither_taught_nor_listed_is_found() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let (items, names) = (set(&["a::Taught", "a::Other", "Third"]), set(&["Taught"]));
    let check = |list: &str, expected: &[&str]| {
        assert_eq!(mistakes(&items, &names, list), expected);
    };
    let both = "Third: nobody needs it\na::Other: nobody needs it\n";
    check(both, &[]);
    check("Third: nobody needs it\n", &["no English page names `a::Other` in its code"]);
    check(&format!("{both}a::Taught: so and so on\n"), &["`a::Taught` is listed, and is taught"]);
    check(&format!("{both}a::Gone: so and so on\n"), &["`a::Gone` is listed, and is not there"]);
    check(&format!("{both}Third: nobody needs it\n"), &["`Third` is listed twice"]);
    check(&format!("{both}?\n"), &["`?` should be an item, a colon and a reason"]);
}

#[test]
fn the_public_items_are_found() {
    let folder = TempDir::new().unwrap();
    let write = |file: &str, text: &str| fs::write(folder.path().join(file), text).unwrap();
    fs::create_dir(folder.path().join("b")).unwrap();
    let root = "pub mod a; mod c; pub mod b; pub use a::A; pub(crate) use c::C; pub use c::{D, E as F};\
                pub fn f() {} fn g() {} pub use other::attribute;\
                #[doc(hidden)] pub mod h;";
    write("lib.rs", root);
    write("a.rs", "pub struct A; struct B; pub trait T { fn m(&self); } impl A { pub fn n() {} }");
    write("c.rs", "pub struct Hidden;");
    write("b/mod.rs", "mod d; pub use d::{X, y}; pub const Z: u8 = 0; pub type W = u8;");
    let found: Vec<String> = items(&folder.path().join("lib.rs")).into_iter().collect();
    let expected = ["A", "D", "F", "a::T", "attribute", "b::W", "b::X", "b::Z", "b::y", "f"];
    assert_eq!(found, expected);
}
