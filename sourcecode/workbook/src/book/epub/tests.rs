//! The e-books are archives of XML in which every link leads somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use roxmltree::{Document, ParsingOptions};
use zip::{CompressionMethod, ZipArchive};

use super::{epub, xhtml};
use crate::book::contents::contents;
use crate::book::edition::EDITIONS;
use crate::book::tests::real_root;

/// The files of an e-book by their names.
fn files(path: &Path) -> BTreeMap<String, String> {
    let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let first = archive.by_index(0).unwrap();
    assert_eq!(
        (&*first.name().unwrap(), first.compression()),
        ("mimetype", CompressionMethod::Stored)
    );
    drop(first);
    let count = archive.len();
    let file = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        (file.name().unwrap().into_owned(), text)
    };
    (0..count).map(file).collect()
}

fn xml(text: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn values<'a>(document: &'a Document<'_>, attribute: &str) -> BTreeSet<&'a str> {
    document.descendants().filter_map(|node| node.attribute(attribute)).collect()
}

#[test]
fn every_link_of_an_e_book_leads_somewhere() {
    let root = real_root();
    for (path, edition) in epub(&root).unwrap().iter().zip(&EDITIONS) {
        let files = files(path);
        let pages: BTreeMap<&str, Document<'_>> = files
            .iter()
            .filter(|(name, _)| name.ends_with(".xhtml"))
            .map(|(name, text)| (name.strip_prefix("book/").unwrap(), xml(text)))
            .collect();
        // The title page and the contents come before them.
        assert_eq!(pages.len(), contents(&root, edition).unwrap().len() + 2);
        for (name, page) in &pages {
            for link in values(page, "href") {
                let (file, id) = link.split_once('#').unwrap_or((link, ""));
                let place = format!("{}: {name}: {link}", edition.code);
                assert!(file.is_empty() || files.contains_key(&format!("book/{file}")), "{place}");
                if !id.is_empty() {
                    let target = if file.is_empty() { page } else { &pages[file] };
                    assert!(values(target, "id").contains(id), "{place}");
                }
            }
        }
        let description = xml(&files["book/package.opf"]);
        for listed in values(&description, "href") {
            assert!(files.contains_key(&format!("book/{listed}")), "{listed}");
        }
        assert_eq!(values(&description, "href").len() + 3, files.len(), "no file is forgotten");
        let page = &files["book/session-create.xhtml"];
        for part in ["class=\"listing\"", "class=\"output\"", "viewBox=", "Räikkönen", "<details>"]
        {
            assert!(page.contains(part), "{part}");
        }
    }
}

#[track_caller]
fn check(html: &str, expected: &str) {
    assert_eq!(xhtml::of(html), expected);
}

#[test]
fn html_becomes_xml() {
    check("<p>a &amp; b<br>c &copy;</p>", "<p>a &amp; b<br/>c ©</p>");
    check("<input disabled type=checkbox>", "<input disabled=\"\" type=\"checkbox\"/>");
    check("a<nav><a href=\"x\">y</a></nav>b<script>1 < 2</script>c", "abc");
    check("<a href=\"cache.html#run\">x</a>", "<a href=\"cache.xhtml#run\">x</a>");
    check("<a href=\"python/a.py\">x</a>", "<a>x</a>");
    check("<a href=\"https://a.b/c.html\">x</a>", "<a href=\"https://a.b/c.html\">x</a>");
    check(
        "<svg viewBox=\"0 0 1 1\"><path d=\"\"/></svg>",
        "<svg viewBox=\"0 0 1 1\" xmlns=\"http://www.w3.org/2000/svg\"><path d=\"\"/></svg>",
    );
    check(
        "<a class=\"callout\" data-callout=\"2\"></a>",
        "<a class=\"callout\" data-callout=\"2\">2</a>",
    );
}
