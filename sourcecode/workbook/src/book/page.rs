//! A page: the directives in it become figures, and the list after a listing becomes its notes.

use std::collections::{HashMap, HashSet};
use std::iter::{Enumerate, Peekable};
use std::path::{Path, PathBuf};
use std::str::Lines;

use super::directive::Directive;
use super::edition::Edition;
use super::expanded::Expanded;
use super::fence;
use super::figure::Figure;
use super::follow;
use super::glossary::{Glossary, Term};
use super::listing::Listing;
use super::notes::notes;
use super::output::Output;
use super::problem::Problem;

/// Where a page is and how its figures are numbered.
#[derive(Debug)]
pub struct Page<'a> {
    /// The workspace.
    pub root: &'a Path,
    /// The edition that the page belongs to.
    pub edition: &'static Edition,
    /// The file, relative to the workspace.
    pub file: PathBuf,
    /// The number of the chapter with a point, `4.`; empty where chapters have none.
    pub chapter: String,
}

impl Page<'_> {
    /// Replaces every directive of a page.
    pub fn expand(&self, markdown: &str) -> Expanded {
        let lines = markdown.lines().enumerate().peekable();
        let mut work = Work {
            page: self,
            markdown,
            lines,
            done: Expanded::default(),
            listings: 0,
            figures: 0,
            explained: HashMap::new(),
            runs: HashSet::new(),
        };
        if follow::followed(markdown).is_some() {
            // Not for readers; its line stays, so that the other lines keep their numbers.
            work.lines.next();
            work.done.text.push('\n');
        }
        while let Some((index, line)) = work.lines.next() {
            let result = if line.starts_with("{{#") {
                work.directive(line)
            } else if line == fence::START {
                work.fence()
            } else {
                work.line(line)
            };
            if let Err(message) = result {
                let page = self.file.clone();
                work.done.problems.push(Problem { page, line: index + 1, message });
            }
        }
        work.done
    }
}

/// A page in the making.
struct Work<'a> {
    page: &'a Page<'a>,
    markdown: &'a str,
    lines: Peekable<Enumerate<Lines<'a>>>,
    done: Expanded,
    listings: usize,
    figures: usize,
    /// The last callout of each file that the page has explained.
    explained: HashMap<String, usize>,
    /// What earlier listings of the page run.
    runs: HashSet<String>,
}

impl<'a> Work<'a> {
    fn line(&mut self, line: &str) -> Result<(), String> {
        self.done.text.push_str(line);
        self.done.text.push('\n');
        if line.contains("{{#") {
            return Err("a directive stands alone, at the start of its line".to_owned());
        }
        Ok(())
    }

    fn fence(&mut self) -> Result<(), String> {
        let html = fence::html(self.lines.by_ref().map(|(_, line)| line))?;
        self.done.text.push_str(&html);
        Ok(())
    }

    fn directive(&mut self, first: &str) -> Result<(), String> {
        let mut text = first.trim_end().to_owned();
        while !text.ends_with("}}") {
            let Some(more) = self.next_unless_blank() else { break };
            text = format!("{text} {}", more.trim());
        }
        let directive = Directive::parse(&text)?;
        let Page { root, edition, .. } = *self.page;
        match directive.name.as_str() {
            "listing" => {
                let mut listing = Listing::read(root, &directive, self.markdown)?;
                listing.run_once(&mut self.runs);
                let number = number(&self.page.chapter, &mut self.listings);
                self.done.show(&listing.id, &directive.target, &listing.html(edition, &number))?;
                self.notes(&listing)
            }
            "exercise" => {
                let listing = Listing::of_exercise(root, &directive)?;
                let number = number(&self.page.chapter, &mut self.listings);
                let file = format!("exercises/{}/start.rs", directive.target);
                self.done.show(&listing.id, &file, &listing.html(edition, &number))
            }
            "output" => {
                let output = Output::read(root, &directive)?;
                let file = format!("expected-output/{}.txt", directive.target);
                self.done.show(&output.id, &file, &output.html(edition))
            }
            "figure" => {
                let figure = Figure::read(root, edition, &directive)?;
                let number = number(&self.page.chapter, &mut self.figures);
                self.done.show(&figure.id, &figure.file, &figure.html(edition, &number))
            }
            "glossary" => {
                directive.allow(&[])?;
                let glossary = Glossary::read(root)?;
                self.done.ids.extend(glossary.terms.iter().map(Term::id));
                self.done.text.push_str(&format!("\n{}\n", glossary.table(edition)));
                Ok(())
            }
            other => Err(format!(
                "there is no directive `{other}`; there are `listing`, `output`, `figure`, \
                 `exercise` and `glossary`"
            )),
        }
    }

    /// Puts the list that follows a listing with callouts under it, as notes.
    fn notes(&mut self, listing: &Listing) -> Result<(), String> {
        let callouts = listing.callouts();
        let (Some(&first), Some(&last)) = (callouts.first(), callouts.last()) else {
            return Ok(());
        };
        let before = self.explained.insert(listing.file().to_owned(), last).unwrap_or(0);
        if first != before + 1 {
            return Err(format!(
                "callouts run 1, 2, 3 down the page: after ({before}) of `{}` comes ({first})",
                listing.file()
            ));
        }
        while self.lines.next_if(|(_, line)| line.trim().is_empty()).is_some() {}
        let mut lines = Vec::new();
        while let Some(line) = self.next_unless_blank() {
            lines.push(line);
        }
        self.done.text.push_str(&notes(listing, &lines)?);
        self.done.ids.extend(callouts.iter().map(|&number| listing.note(number)));
        Ok(())
    }

    fn next_unless_blank(&mut self) -> Option<&'a str> {
        self.lines.next_if(|(_, line)| !line.trim().is_empty()).map(|(_, line)| line)
    }
}

fn number(chapter: &str, count: &mut usize) -> String {
    *count += 1;
    format!("{chapter}{count}")
}
