//! When an edition is built again, and when not.

use std::fs;

use super::Workspace;
use crate::book::build::{build, build_and_name};

#[test]
fn what_did_not_change_is_not_built_again() {
    let workspace = Workspace::new();
    build(workspace.root()).unwrap();
    let page = workspace.root().join("book/en/build/page.html");
    fs::write(&page, "untouched").unwrap();
    build(workspace.root()).unwrap();
    assert_eq!(fs::read_to_string(&page).unwrap(), "untouched");
}

#[test]
fn a_changed_page_program_or_output_makes_another_book() {
    let workspace = Workspace::new();
    let mut names = vec![build_and_name(workspace.root()).unwrap()];
    for file in ["book/en/src/page.md", "examples/0_session.rs", "expected-output/0_session.txt"] {
        let path = workspace.root().join(file);
        fs::write(&path, fs::read_to_string(&path).unwrap() + "\n").unwrap();
        names.push(build_and_name(workspace.root()).unwrap());
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 4);
}

#[test]
fn both_editions_are_built() {
    let workspace = Workspace::new();
    build(workspace.root()).unwrap();
    for code in ["en", "ru"] {
        assert!(workspace.root().join(format!("book/{code}/build/index.html")).exists());
    }
}
