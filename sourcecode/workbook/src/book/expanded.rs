//! What becomes of a page.

use std::collections::HashSet;

use super::problem::Problem;

/// What became of a page.
#[derive(Debug, Default)]
pub struct Expanded {
    /// Markdown, with the figures in it as HTML.
    pub text: String,
    /// The ids of its figures and notes.
    pub ids: HashSet<String>,
    /// The files that it shows, relative to the workspace.
    pub shown: HashSet<String>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

impl Expanded {
    /// Adds a figure, and notes which file it shows.
    pub fn show(&mut self, id: &str, file: &str, html: &str) -> Result<(), String> {
        self.text.push_str(&format!("\n{html}\n\n"));
        self.shown.insert(file.to_owned());
        match self.ids.insert(id.to_owned()) {
            true => Ok(()),
            false => Err(format!("the page shows `{file}` twice")),
        }
    }
}
