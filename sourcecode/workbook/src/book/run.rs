//! What a page needs to run a listing: its name for the server, and what it printed when it was recorded,
//! for a page that has no server.

use std::fs;
use std::path::Path;

use super::html::{attribute, escape};

/// What a listing runs.
#[derive(Debug)]
pub struct Run {
    name: String,
    kind: &'static str,
    /// Whether it is one file of several, which a page cannot edit.
    is_part: bool,
    recorded: Option<String>,
}

impl Run {
    /// An exercise. What it should print is not told before it is solved.
    pub fn exercise(name: &str) -> Run {
        Run { name: name.to_owned(), kind: "exercise", is_part: false, recorded: None }
    }

    /// A numbered program, of which this is the file or one of several; nothing, if the file is none. Its
    /// output is added unless the page shows all of it.
    pub fn program(root: &Path, file: &str, page: &str) -> Result<Option<Run>, String> {
        let path = file.strip_prefix("examples/").and_then(|path| path.strip_suffix(".rs"));
        let Some(path) = path.filter(|path| path.starts_with(|c: char| c.is_ascii_digit())) else {
            return Ok(None);
        };
        let (name, inside) = path.split_once('/').unzip();
        // What runs is the program, and not its tests.
        if inside == Some("tests") {
            return Ok(None);
        }
        let (name, is_part) = (name.unwrap_or(path), inside.is_some());
        let run =
            |recorded| Some(Run { name: name.to_owned(), kind: "program", is_part, recorded });
        if page.contains(&format!("{{{{#output {name}}}}}")) {
            return Ok(run(None));
        }
        let file = format!("expected-output/{name}.txt");
        let recorded = fs::read_to_string(root.join(&file))
            .map_err(|error| format!("could not read `{file}`: {error}"))?;
        Ok(run(Some(recorded)))
    }

    /// What it runs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The attributes of the figure, without a blank line.
    pub fn html(&self) -> String {
        let recorded = self.recorded.as_deref().map_or(String::new(), |text| {
            format!(" data-recorded=\"{}\"", escape(text).replace('\n', "&#10;"))
        });
        let part = if self.is_part { " data-part" } else { "" };
        format!(" data-{}=\"{}\"{part}{recorded}", self.kind, attribute(&self.name))
    }
}
