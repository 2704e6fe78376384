//! The hints and the answer of an exercise, from the page that it is on.

use std::fs;

use anyhow::{Context, Result, anyhow};
use programs::Workspace;

use super::Exercise;
use crate::book::edition::Edition;

/// What a page says in the section that has the exercise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hints {
    /// What is to be done.
    pub task: String,
    /// From the first to the last.
    pub hints: Vec<String>,
    /// The answer, and why.
    pub answer: String,
}

impl Hints {
    /// The hints in the language of an edition.
    pub fn read(workspace: &Workspace, exercise: &Exercise, edition: &Edition) -> Result<Hints> {
        let page = page(workspace, exercise, edition)?;
        let path = edition.pages(workspace.root()).join(format!("{page}.md"));
        let text = fs::read_to_string(&path)
            .with_context(|| format!("could not read `{}`", path.display()))?;
        Hints::of(&text, exercise.name()).ok_or_else(|| {
            let name = exercise.name();
            anyhow!("`{}` has no hints and answer in the section of `{name}`", path.display())
        })
    }

    fn of(page: &str, name: &str) -> Option<Hints> {
        let mut sections = page.split("\n## ");
        let section = sections.find(|section| place(section, name).is_some())?;
        let (_, section) = section.split_once('\n')?;
        let (task, folded) = section.split_once("<details>")?;
        let mut parts: Vec<String> = folded
            .split("<details>")
            .filter_map(|part| Some(part.split_once("</summary>")?.1.split_once("</details>")?.0))
            .map(|part| part.trim().to_owned())
            .collect();
        let answer = parts.pop()?;
        let shown = |line: &&str| !line.starts_with("{{#");
        let task: Vec<&str> = task.lines().filter(shown).collect();
        Some(Hints { task: task.join("\n").trim().to_owned(), hints: parts, answer })
    }
}

/// The page of an edition that has the exercise, such as `session-create`.
pub fn page(workspace: &Workspace, exercise: &Exercise, edition: &Edition) -> Result<String> {
    let folder = edition.pages(workspace.root());
    let entries =
        fs::read_dir(&folder).with_context(|| format!("could not read `{}`", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let text = fs::read_to_string(&path).unwrap_or_default();
        if let Some(page) = path.file_stem().filter(|_| place(&text, exercise.name()).is_some()) {
            return Ok(page.to_string_lossy().into_owned());
        }
    }
    Err(anyhow!("no page of `{}` has `{{{{#exercise {}`", folder.display(), exercise.name()))
}

/// Where a text shows an exercise.
pub(super) fn place(text: &str, name: &str) -> Option<usize> {
    let directive = format!("{{{{#exercise {name}");
    let ends = |at: &usize| text[at + directive.len()..].starts_with([' ', '\n', '}']);
    text.match_indices(&directive).map(|(at, _)| at).find(ends)
}
