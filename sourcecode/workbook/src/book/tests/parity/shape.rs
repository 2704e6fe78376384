//! What two translations of a page have in common.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::book::directive::Directive;
use crate::book::tests::markup::tags;
use crate::book::tests::prose::{directives, line_of, without_directives};

/// The parts of a page, each with its line, in their order.
pub fn shape(page: &str) -> Vec<(usize, String)> {
    let text = without_directives(page);
    let mut parts: Vec<(usize, String)> = directives(page)
        .into_iter()
        .map(|at| (line_of(page, at.start), shown(&page[at])))
        .collect();
    let mut item = None;
    let mut rows = 0;
    for (event, range) in parser(&text).into_offset_iter() {
        let part = match event {
            Event::Start(Tag::Heading { level, id, .. }) => {
                format!("{level} {{#{}}}", id.as_deref().unwrap_or_default())
            }
            Event::Start(Tag::List(first)) => {
                item = first;
                continue;
            }
            Event::Start(Tag::Item) => {
                let Some(number) = item else { continue };
                item = Some(number + 1);
                format!("{number}.")
            }
            Event::End(TagEnd::List(_)) => {
                item = None;
                continue;
            }
            Event::Start(Tag::Table(columns)) => {
                rows = 0;
                format!("a table of {} columns", columns.len())
            }
            Event::Start(Tag::TableRow) => {
                rows += 1;
                format!("row {rows}")
            }
            Event::Start(Tag::BlockQuote(kind)) => format!("> {kind:?}"),
            Event::Start(Tag::CodeBlock(kind)) => format!("a block of code: {kind:?}"),
            Event::Html(html) | Event::InlineHtml(html) => {
                let folded: Vec<String> = tags(&html)
                    .into_iter()
                    .map(|tag| tag.name)
                    .filter(|name| name == "details" || name == "summary")
                    .collect();
                if folded.is_empty() {
                    continue;
                }
                folded.join(" ")
            }
            _ => continue,
        };
        parts.push((line_of(&text, range.start), part));
    }
    parts.sort_by_key(|(line, _)| *line);
    parts
}

/// What the page links to, in each section: the order of the words differs between languages.
pub fn links(page: &str) -> Vec<(usize, String)> {
    let text = without_directives(page);
    let mut links: Vec<(usize, Vec<String>)> = vec![(1, Vec::new())];
    for (event, range) in parser(&text).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                links.push((line_of(&text, range.start), Vec::new()));
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                links.last_mut().unwrap().1.push(dest_url.to_string());
            }
            _ => {}
        }
    }
    let sorted = |(line, mut targets): (usize, Vec<String>)| {
        targets.sort();
        (line, format!("the links {targets:?} under this heading"))
    };
    links.into_iter().map(sorted).collect()
}

fn parser(text: &str) -> Parser<'_> {
    let options = Options::ENABLE_HEADING_ATTRIBUTES | Options::ENABLE_TABLES | Options::ENABLE_GFM;
    Parser::new_ext(text, options)
}

/// A directive without what is said in words.
fn shown(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let directive = Directive::parse(&line.join(" ")).unwrap();
    let mut shown = format!("{} {}", directive.name, directive.target);
    for key in ["lines", "anchor", "emphasize"] {
        if let Some(value) = directive.get(key) {
            shown.push_str(&format!(" {key}=\"{value}\""));
        }
    }
    for key in ["caption", "alt"] {
        if directive.get(key).is_some() {
            shown.push_str(&format!(" {key}"));
        }
    }
    shown
}
