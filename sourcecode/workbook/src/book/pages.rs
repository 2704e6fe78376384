//! The preprocessor: what mdBook runs over the pages of an edition before it makes HTML of them.

use std::path::Path;

use anyhow::{Context, bail};
use mdbook_preprocessor::book::{Book, BookItem, Chapter};
use mdbook_preprocessor::errors::Result;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use super::downloads;
use super::edition::Edition;
use super::links::{self, Source};
use super::page::Page;
use super::problem::{Problem, Problems};

/// Puts listings, outputs and figures in the pages; fails on whatever it does not understand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pages;

impl Pages {
    /// The name that `book.toml` gives it.
    pub const NAME: &'static str = "workbook";
}

impl Preprocessor for Pages {
    fn name(&self) -> &str {
        Pages::NAME
    }

    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(renderer == "html")
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let folder = context.root.canonicalize().context("could not find the book's folder")?;
        let edition = Edition::of_folder(&folder);
        let root = folder.parent().and_then(Path::parent);
        let (Some(edition), Some(root)) = (edition, root) else {
            bail!("`{}` is not an edition of the book, such as `book/en`", folder.display());
        };
        let mut problems = Vec::new();
        let mut sources = Vec::new();
        book.for_each_mut(|item| {
            let BookItem::Chapter(chapter) = item else { return };
            let Some(name) = chapter.source_path.clone() else { return };
            let file = Path::new("book").join(edition.code).join("src").join(&name);
            let number = chapter.number.as_ref().map_or(String::new(), ToString::to_string);
            let page = Page { root, edition, file: file.clone(), chapter: number };
            let expanded = page.expand(&chapter.content);
            problems.extend(expanded.problems);
            let text = format!("{}{}", switch(root, edition, chapter), expanded.text);
            let markdown = std::mem::replace(&mut chapter.content, text);
            let name = name.to_string_lossy().replace('\\', "/");
            sources.push(Source { file, name, markdown, ids: expanded.ids });
        });
        problems.extend(forgotten(root, edition, &sources)?);
        problems.extend(links::check(sources, &downloads::links(root)?));
        problems.sort_by_key(|problem| (problem.page.clone(), problem.line));
        Problems(problems).into_result()?;
        Ok(book)
    }
}

/// Pages that are in the folder and not in the contents: mdBook would leave them out in silence.
fn forgotten(root: &Path, edition: &Edition, sources: &[Source]) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for entry in edition.pages(root).read_dir()? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let listed = name == "SUMMARY.md" || sources.iter().any(|source| source.name == name);
        if name.ends_with(".md") && !listed {
            let page = Path::new("book").join(edition.code).join("src/SUMMARY.md");
            let message = format!("the page `{name}` is not in the contents");
            problems.push(Problem { page, line: 1, message });
        }
    }
    Ok(problems)
}

/// The link to the other edition: to the same page, or to the title page while there is none.
fn switch(root: &Path, edition: &Edition, chapter: &Chapter) -> String {
    let (other, path) = (edition.other(), chapter.path.clone().unwrap_or_default());
    let up = "../".repeat(path.components().count());
    let page = if other.pages(root).join(&path).exists() {
        path.with_extension("html").to_string_lossy().replace('\\', "/")
    } else {
        String::new()
    };
    let (code, name) = (other.code, other.name);
    format!(
        "<nav class=\"edition\"><a lang=\"{code}\" hreflang=\"{code}\" \
         href=\"{up}{code}/{page}\">{name}</a></nav>\n\n"
    )
}
