//! Looks for links that lead nowhere, and for headings without an id of their own.
//!
//! Both editions use the same ids, so an id is written down and never made from the words.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::problem::Problem;

/// A page as it was written, and the ids that its figures bring.
#[derive(Debug)]
pub struct Source {
    /// The file, relative to the workspace.
    pub file: PathBuf,
    /// The file, relative to the pages' folder, as links name it.
    pub name: String,
    /// Markdown, with the directives in it.
    pub markdown: String,
    /// The ids of the figures and notes.
    pub ids: HashSet<String>,
}

/// Everything that is wrong with the headings and the links of an edition, which has these downloads.
pub fn check(mut pages: Vec<Source>, downloads: &BTreeSet<String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for page in &mut pages {
        let found = headings(page);
        for (line, id) in found {
            match id {
                None => problems.push(page.problem(line, "a heading needs its id: `{#name}`")),
                Some(id) if !page.ids.insert(id.clone()) => {
                    problems.push(page.problem(line, &format!("the id `{id}` is used twice")));
                }
                Some(_) => {}
            }
        }
    }
    let ids: HashMap<&str, &HashSet<String>> =
        pages.iter().map(|page| (page.name.as_str(), &page.ids)).collect();
    for page in &pages {
        for (line, link) in links(page) {
            if let Err(message) = link.and_then(|link| follow(&ids, downloads, &page.name, &link)) {
                problems.push(page.problem(line, &message));
            }
        }
    }
    problems
}

impl Source {
    fn problem(&self, line: usize, message: &str) -> Problem {
        Problem { page: self.file.clone(), line, message: message.to_owned() }
    }

    fn events(&self) -> impl Iterator<Item = (usize, Event<'_>)> {
        let options = Options::ENABLE_HEADING_ATTRIBUTES | Options::ENABLE_TABLES;
        let line = |at: usize| self.markdown[..at].matches('\n').count() + 1;
        Parser::new_ext(&self.markdown, options)
            .into_offset_iter()
            .map(move |(event, range)| (line(range.start), event))
    }
}

fn headings(page: &Source) -> Vec<(usize, Option<String>)> {
    let heading = |(line, event)| match event {
        Event::Start(Tag::Heading { id, .. }) => Some((line, id.map(|id| id.to_string()))),
        _ => None,
    };
    page.events().filter_map(heading).collect()
}

fn links(page: &Source) -> Vec<(usize, Result<String, String>)> {
    let link = |(line, event)| match event {
        Event::Start(Tag::Link { dest_url, .. }) => Some((line, Ok(dest_url.to_string()))),
        Event::Start(Tag::Image { .. }) => {
            Some((line, Err("a picture is shown by `{{#figure …}}`".to_owned())))
        }
        _ => None,
    };
    page.events().filter_map(link).collect()
}

fn follow(
    ids: &HashMap<&str, &HashSet<String>>,
    downloads: &BTreeSet<String>,
    from: &str,
    link: &str,
) -> Result<(), String> {
    if link.starts_with("https://") || link.starts_with("http://") || downloads.contains(link) {
        return Ok(());
    }
    let (page, id) = link.split_once('#').unwrap_or((link, ""));
    let page = if page.is_empty() { from } else { page };
    let known = ids.get(page).ok_or(format!("there is no page `{page}` in this edition"))?;
    if id.is_empty() || known.contains(id) {
        Ok(())
    } else {
        Err(format!("`{page}` has no heading or figure `{id}`"))
    }
}
