//! What a translation says of the page that it follows.

use std::fs;

use super::Workspace;
use crate::book::follow::{State, follow, followed, hash, state, translated};

const ENGLISH: &str = "# Page {#page}\n";

#[test]
fn the_hash_is_of_the_text_and_not_of_its_line_endings() {
    // As `printf '# Page {#page}\n' | sha256sum` says.
    assert_eq!(hash(ENGLISH), "bb802c9b0185");
    assert_eq!(hash(&ENGLISH.replace('\n', "\r\n")), hash(ENGLISH));
    assert_ne!(hash("# Page {#page}\n\n"), hash(ENGLISH));
}

#[test]
fn a_translation_is_current_until_the_english_page_changes() {
    let workspace = Workspace::new();
    let read = || fs::read_to_string(workspace.root().join("book/ru/src/page.md")).unwrap();
    let check = |before| {
        let file = "book/ru/src/page.md".to_owned();
        assert_eq!(follow(workspace.root(), "page").unwrap(), [(file, before)]);
    };
    check(State::Unknown);
    let first = read();
    assert_eq!(first, format!("<!-- follows: {} -->\n# Page {{#page}}\n", hash(ENGLISH)));
    assert_eq!(followed(&first), Some(hash(ENGLISH).as_str()));
    check(State::Current);
    assert_eq!(read(), first);
    workspace.write("book/en/src/page.md", "# Another {#page}\n");
    assert_eq!(state("# Another {#page}\n", &read()), State::Stale);
    check(State::Stale);
    assert_eq!(state("# Another {#page}\n", &read()), State::Current);
    assert!(read().ends_with("-->\n# Page {#page}\n"), "{}", read());
    assert_eq!(translated(workspace.root()).unwrap(), ["page"]);
}

#[test]
fn what_it_follows_is_not_shown() {
    let workspace = Workspace::new();
    let mistake = workspace.build("<!-- follows: 0 -->\n# Page {#page}\n\n[a](gone.md)\n");
    assert!(mistake.unwrap_err().contains("page.md:4: "));
    let html = workspace.build("<!-- follows: 0 -->\n# Page {#page}\n\nText.\n").unwrap();
    assert!(!html.contains("follows"), "{html}");
    assert_eq!(html.matches("id=\"page\"").count(), 1);
}

#[test]
fn a_page_that_is_not_there() {
    let workspace = Workspace::new();
    for name in ["gone", "../src/page", "SUMMARY.md", "SUMMARY"] {
        let error = follow(workspace.root(), name).unwrap_err().to_string();
        assert!(error.contains("name one such as"), "{error}");
    }
}
