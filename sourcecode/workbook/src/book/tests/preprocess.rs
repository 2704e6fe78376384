//! The preprocessor as a command.

use super::Workspace;
use crate::book::preprocess;

#[test]
fn supports_html_only() {
    let supports = |renderer: &str| preprocess(&["supports".to_owned(), renderer.to_owned()]);
    assert!(supports("html").is_ok());
    assert!(supports("epub").is_err());
    assert!(preprocess(&["what".to_owned()]).is_err());
}

#[test]
fn the_command_of_the_settings_is_not_run_in_process() {
    // The workspace's settings name a command that does not exist.
    Workspace::new().build("# Page {#page}\n").unwrap();
}
