//! `{{#listing examples/0_session.rs caption="…" lines="1-30" anchor="…" emphasize="7-11,(3)"}}`:
//! a program, or a part of it, as a figure.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use super::directive::Directive;
use super::edition::Edition;
use super::excerpt::{self, Line};
use super::highlight;
use super::html::{caption, escape};
use super::run::Run;

/// A part of a file, ready to be shown.
#[derive(Debug)]
pub struct Listing {
    /// The place on the page, such as `listing-0_session`.
    pub id: String,
    file: String,
    caption: String,
    lines: Vec<Line>,
    emphasized: BTreeSet<usize>,
    colours: Vec<String>,
    run: Option<Run>,
}

impl Listing {
    /// Reads the start of the exercise that the directive names.
    pub fn of_exercise(root: &Path, directive: &Directive) -> Result<Listing, String> {
        directive.allow(&["caption", "lines"])?;
        let name = &directive.target;
        let id = format!("exercise-{name}");
        let listing = Listing::of(root, directive, format!("exercises/{name}/start.rs"))?;
        Ok(Listing { id, run: Some(Run::exercise(name)), ..listing })
    }

    /// Reads the file that the directive of a page names, below the workspace `root`.
    pub fn read(root: &Path, directive: &Directive, page: &str) -> Result<Listing, String> {
        directive.allow(&["caption", "lines", "anchor", "emphasize"])?;
        let file = directive.target.clone();
        let listing = Listing::of(root, directive, file)?;
        Ok(Listing { run: Run::program(root, &listing.file, page)?, ..listing })
    }

    fn of(root: &Path, directive: &Directive, file: String) -> Result<Listing, String> {
        let text = read(root, &file)?;
        let all = excerpt::lines(&text);
        let (part, shown) = match (directive.get("lines"), directive.get("anchor")) {
            (Some(_), Some(_)) => return Err("give `lines` or `anchor`, not both".to_owned()),
            (Some(range), None) => (format!("-{range}"), excerpt::cut(&all, range)?),
            (None, Some(name)) => (format!("-{name}"), excerpt::anchored(&all, name)?),
            (None, None) => (String::new(), all.clone()),
        };
        let lines = excerpt::without_anchors(shown);
        excerpt::check_size(&lines).map_err(|message| format!("`{file}`: {message}"))?;
        let emphasized = emphasized(&lines, directive.get("emphasize"))?;
        check_emphasis(&lines, &emphasized)?;
        check_callouts(&lines)?;
        let colours = colours(&file, &all);
        let name = file.trim_start_matches("examples/").trim_end_matches(".rs");
        let id = format!("listing-{}{part}", name.replace(['/', '.'], "-"));
        let caption = directive.need("caption")?.to_owned();
        Ok(Listing { id, file, caption, lines, emphasized, colours, run: None })
    }

    /// Leaves what it runs to an earlier listing of the page, if one runs the same. Its recorded output,
    /// too, is on the page once.
    pub fn run_once(&mut self, runs: &mut HashSet<String>) {
        self.run = self.run.take().filter(|run| runs.insert(run.name().to_owned()));
    }

    /// The file that it is of.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The numbers of its callouts, in their order.
    pub fn callouts(&self) -> Vec<usize> {
        self.lines.iter().filter_map(|line| line.callout).collect()
    }

    /// Where the note on a callout is on the page.
    pub fn note(&self, callout: usize) -> String {
        format!("{}-note-{callout}", self.id)
    }

    /// The figure. It holds no blank line, at which a block of HTML in Markdown would end.
    pub fn html(&self, edition: &Edition, number: &str) -> String {
        let lines: String = self.lines.iter().map(|line| self.line(edition, line)).collect();
        format!(
            "<figure class=\"listing\" id=\"{id}\"{run}>\n\
             <figcaption><span class=\"number\">{word} {number}.</span> \
             <span class=\"caption\">{caption}</span> \
             <span class=\"file\">{file}</span></figcaption>\n\
             <pre><code class=\"hljs\" tabindex=\"0\"><span class=\"lines\">{lines}</span></code></pre>\n</figure>",
            id = self.id,
            run = self.run.as_ref().map(Run::html).unwrap_or_default(),
            word = edition.listing,
            caption = caption(&self.caption),
            file = escape(&self.file),
        )
    }

    // Numbers and badges are attributes that the style sheet shows, so that copying the text
    // takes along neither.
    fn line(&self, edition: &Edition, line: &Line) -> String {
        let number = line.number;
        let emphasis = if self.emphasized.contains(&number) { " emphasized" } else { "" };
        let code = self.colours.get(number - 1).map_or("", String::as_str);
        let callout = line.callout.map_or(String::new(), |callout| {
            let (note, word) = (self.note(callout), edition.note);
            format!(
                "<a class=\"callout\" href=\"#{note}\" data-callout=\"{callout}\" \
                 aria-label=\"{word} {callout}\"></a>"
            )
        });
        format!("<span class=\"line{emphasis}\" data-line=\"{number}\">{code}{callout}</span>\n")
    }
}

fn read(root: &Path, file: &str) -> Result<String, String> {
    let folders = ["book/python/", "examples/", "exercises/", "sourcecode/"];
    let inside = folders.iter().any(|folder| file.starts_with(folder));
    if !inside || file.split('/').any(|part| part == "..") {
        return Err(format!(
            "`{file}` is not a file of `examples/` or `sourcecode/`, or of `book/python/`"
        ));
    }
    fs::read_to_string(root.join(file)).map_err(|error| format!("could not read `{file}`: {error}"))
}

/// The whole file is coloured, since a part may start inside a comment.
fn colours(file: &str, all: &[Line]) -> Vec<String> {
    let texts: Vec<&str> = all.iter().map(|line| line.text.as_str()).collect();
    if file.ends_with(".rs") {
        highlight::rust(&texts.join("\n"))
    } else {
        texts.into_iter().map(escape).collect()
    }
}

/// `"7-11,(3)"`: lines by their numbers, and the line of a callout.
fn emphasized(lines: &[Line], wanted: Option<&str>) -> Result<BTreeSet<usize>, String> {
    let mut numbers = BTreeSet::new();
    for part in wanted.into_iter().flat_map(|wanted| wanted.split(',')) {
        match part.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            Some(callout) => {
                let of = |line: &&Line| line.callout.is_some_and(|n| n.to_string() == callout);
                let line = lines.iter().find(of);
                numbers.insert(line.ok_or(format!("there is no callout ({callout})"))?.number);
            }
            None => numbers.extend(excerpt::numbers(part)?),
        }
    }
    Ok(numbers)
}

fn check_emphasis(lines: &[Line], emphasized: &BTreeSet<usize>) -> Result<(), String> {
    let full = |line: &&Line| !line.text.trim().is_empty();
    let shown: BTreeSet<usize> = lines.iter().filter(full).map(|line| line.number).collect();
    match emphasized.difference(&shown).next() {
        Some(line) => Err(format!("`emphasize` names line {line}, which is blank or not shown")),
        None => Ok(()),
    }
}

fn check_callouts(lines: &[Line]) -> Result<(), String> {
    let callouts: Vec<usize> = lines.iter().filter_map(|line| line.callout).collect();
    match callouts.windows(2).find(|pair| pair[1] != pair[0] + 1) {
        Some(pair) => Err(format!("callout ({}) is followed by ({})", pair[0], pair[1])),
        None => Ok(()),
    }
}
