//! The hints and the answer of an exercise, from the page that it is on.

use std::fs;

use anyhow::{Context, Result, anyhow};
use programs::Workspace;

use super::Exercise;
use crate::book::edition::Edition;

/// What a page says below `{#exercise}`.
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
        Hints::of(&text).ok_or_else(|| {
            anyhow!("`{}` has no hints and answer below {{#exercise}}", path.display())
        })
    }

    fn of(page: &str) -> Option<Hints> {
        let (_, section) = page.split_once("{#exercise}\n")?;
        let section = section.split("\n## ").next()?;
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
    let directive = format!("{{{{#exercise {}", exercise.name());
    let has = |text: &str| {
        let after = text.split_once(&directive).map(|(_, after)| after);
        after.is_some_and(|after| after.starts_with([' ', '\n', '}']))
    };
    let entries =
        fs::read_dir(&folder).with_context(|| format!("could not read `{}`", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let text = fs::read_to_string(&path).unwrap_or_default();
        if let Some(page) = path.file_stem().filter(|_| has(&text)) {
            return Ok(page.to_string_lossy().into_owned());
        }
    }
    Err(anyhow!("no page of `{}` has `{directive}`", folder.display()))
}
