//! The pages in the order of the contents.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use mdbook_driver::MDBook;
use mdbook_driver::book::BookItem;

use super::xhtml;

/// A page of the e-book.
#[derive(Debug)]
pub struct Chapter {
    /// Its file in the e-book.
    pub file: String,
    /// Its name in the contents, with its number.
    pub name: String,
    /// The heading of the part that begins with it.
    pub part: Option<String>,
    /// What is on it, as XHTML.
    pub text: String,
}

impl Chapter {
    /// Fills in what is on the finished page.
    ///
    /// # Errors
    ///
    /// A page that is not there.
    pub fn read(mut self, built: &Path) -> Result<Chapter> {
        let path = built.join(Path::new(&self.file).with_extension("html"));
        let page = fs::read_to_string(&path)
            .with_context(|| format!("could not read {}", path.display()))?;
        let main = page.split_once("<main>").and_then(|(_, rest)| rest.split_once("</main>"));
        let (main, _) = main.with_context(|| format!("{} has no text", path.display()))?;
        self.text = xhtml::of(main);
        Ok(self)
    }
}

/// The chapters of the book, still without their texts.
pub fn of(book: &MDBook) -> impl Iterator<Item = Chapter> {
    let mut part = None;
    book.iter().filter_map(move |item| match item {
        BookItem::PartTitle(title) => {
            part = Some(title.clone());
            None
        }
        BookItem::Separator => None,
        BookItem::Chapter(chapter) => {
            let path = chapter.path.as_ref()?;
            let number =
                chapter.number.as_ref().map_or(String::new(), |number| format!("{number} "));
            Some(Chapter {
                file: path.with_extension("xhtml").to_string_lossy().into_owned(),
                name: format!("{number}{}", chapter.name),
                part: part.take(),
                text: String::new(),
            })
        }
    })
}
