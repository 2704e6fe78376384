//! Every program and every output is shown by some page.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{Workspace, real_root};
use crate::book::edition::{EDITIONS, Edition};
use crate::book::page::Page;

/// The programs and the outputs that no page of the edition shows. What programs share, in folders
/// below `examples/`, need not be shown.
fn unused(root: &Path, edition: &'static Edition) -> BTreeSet<String> {
    let mut shown = HashSet::new();
    for file in files(&edition.pages(root)) {
        let text = fs::read_to_string(&file).unwrap();
        let page = Page { root, edition, file, chapter: String::new() };
        shown.extend(page.expand(&text).shown);
    }
    let mut all = files(&root.join("expected-output"));
    let programs = root.join("examples").read_dir().unwrap().map(|entry| entry.unwrap().path());
    all.extend(programs.filter(|path| path.extension().is_some_and(|extension| extension == "rs")));
    let name =
        |file: PathBuf| file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    all.into_iter().map(name).filter(|name| !shown.contains(name)).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn every_program_and_every_output_is_on_a_page() {
    for edition in &EDITIONS {
        let unused = unused(&real_root(), edition);
        assert!(unused.is_empty(), "no page of book/{} shows {unused:?}", edition.code);
    }
}

#[test]
fn what_is_on_no_page_is_found() {
    let workspace = Workspace::new();
    workspace.write("book/en/src/page.md", "{{#output 0_session}}\n");
    let unused = unused(workspace.root(), &EDITIONS[0]);
    assert_eq!(unused, BTreeSet::from(["examples/0_session.rs".to_owned()]));
}
