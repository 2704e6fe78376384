//! The table that a page shows.

use std::fs;

use crate::book::glossary::FILE;
use crate::book::tests::Workspace;

#[test]
fn the_table_is_sorted_by_the_words_of_the_edition() {
    let workspace = Workspace::new();
    let page = "# Page {#page}\n\n{{#glossary}}\n\n[a](#term-back-end)\n";
    workspace.write("book/ru/src/page.md", page);
    let english = workspace.build(page).unwrap();
    let russian = fs::read_to_string(workspace.root().join("book/ru/build/page.html")).unwrap();
    let at = |html: &str, part: &str| html.find(part).unwrap_or_else(|| panic!("no `{part}`"));
    let (store, end) = ("<span id=\"term-store\">", "<span id=\"term-back-end\">");
    assert!(at(&english, end) < at(&english, store));
    // Ё is where Е is, before Х.
    assert!(at(&russian, end) < at(&russian, store));
    at(&english, "<strong>back end</strong></span></td><td><span lang=\"ru\">ёмкость</span></td>");
    at(&russian, "<th>термин</th><th>English</th><th>что это</th>");
}

#[test]
fn terms_that_cannot_be_read_fail_the_build() {
    let workspace = Workspace::new();
    let page = "# Page {#page}\n\n{{#glossary}}\n";
    workspace.write(FILE, "[[term]]\nen = \"store\"\nrussian = \"хранилище\"\n");
    let error = workspace.build(page).unwrap_err();
    assert!(error.contains("page.md:3: `book/glossary.toml`"), "{error}");
    assert!(error.contains("unknown field `russian`"), "{error}");
    fs::remove_file(workspace.root().join(FILE)).unwrap();
    let error = workspace.build(page).unwrap_err();
    assert!(error.contains("could not read `book/glossary.toml`"), "{error}");
}
