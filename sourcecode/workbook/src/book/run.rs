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
    recorded: Option<String>,
}

impl Run {
    /// An exercise. What it should print is not told before it is solved.
    pub fn exercise(name: &str) -> Run {
        Run { name: name.to_owned(), kind: "exercise", recorded: None }
    }

    /// A numbered program; nothing, if the file is none, or one of several of which a program is made. Its output
    /// is added unless the page shows all of it.
    pub fn program(root: &Path, file: &str, page: &str) -> Result<Option<Run>, String> {
        let name = file.strip_prefix("examples/").and_then(|name| name.strip_suffix(".rs"));
        let is_program =
            |name: &&str| name.starts_with(|c: char| c.is_ascii_digit()) && !name.contains('/');
        let Some(name) = name.filter(is_program) else { return Ok(None) };
        if page.contains(&format!("{{{{#output {name}}}}}")) {
            return Ok(Some(Run { name: name.to_owned(), kind: "program", recorded: None }));
        }
        let file = format!("expected-output/{name}.txt");
        let recorded = fs::read_to_string(root.join(&file))
            .map_err(|error| format!("could not read `{file}`: {error}"))?;
        Ok(Some(Run { name: name.to_owned(), kind: "program", recorded: Some(recorded) }))
    }

    /// The attributes of the figure, without a blank line.
    pub fn html(&self) -> String {
        let recorded = self.recorded.as_deref().map_or(String::new(), |text| {
            format!(" data-recorded=\"{}\"", escape(text).replace('\n', "&#10;"))
        });
        format!(" data-{}=\"{}\"{recorded}", self.kind, attribute(&self.name))
    }
}
