//! The two editions, and the words that the build itself puts on a page.

use std::path::{Path, PathBuf};

/// One language of the book.
#[derive(Debug, PartialEq, Eq)]
pub struct Edition {
    /// The folder under `book/`, and the first part of the address.
    pub code: &'static str,
    /// The name of the language in that language.
    pub name: &'static str,
    /// The language with a country, as social networks want it.
    pub locale: &'static str,
    /// The folder of its drawings with words, relative to the workspace. English ones, and what has no
    /// words, are in `book/figures`.
    pub figures: Option<&'static str>,
    /// "Listing", before its number.
    pub listing: &'static str,
    /// "Figure", before its number.
    pub figure: &'static str,
    /// "Output of", before the name of a program.
    pub output: &'static str,
    /// "exit status", before the number.
    pub status: &'static str,
    /// "note", before the number of a callout, for those who hear the page.
    pub note: &'static str,
    /// " µs", after a number.
    pub microseconds: &'static str,
    /// What stands before the decimals of a number.
    pub point: &'static str,
    /// "term", over the words of the glossary.
    pub term: &'static str,
    /// "Contents", over the list of all pages.
    pub contents: &'static str,
    /// "what it is", over the explanations of the glossary.
    pub meaning: &'static str,
}

/// Every edition, in the order in which they are shown.
pub const EDITIONS: [Edition; 2] = [
    Edition {
        code: "en",
        name: "English",
        locale: "en_US",
        figures: None,
        listing: "Listing",
        figure: "Figure",
        output: "Output of",
        status: "exit status",
        note: "note",
        microseconds: " µs",
        point: ".",
        term: "term",
        meaning: "what it is",
        contents: "Contents",
    },
    Edition {
        code: "ru",
        name: "Русский",
        locale: "ru_RU",
        figures: Some("book/figures/ru"),
        listing: "Листинг",
        figure: "Рисунок",
        output: "Вывод программы",
        status: "код завершения",
        note: "примечание",
        microseconds: " мкс",
        point: ",",
        term: "термин",
        meaning: "что это",
        contents: "Содержание",
    },
];

impl Edition {
    /// The edition that lives in this folder.
    pub fn of_folder(folder: &Path) -> Option<&'static Edition> {
        let code = folder.file_name()?.to_str()?;
        EDITIONS.iter().find(|edition| edition.code == code)
    }

    /// The one to switch to.
    pub fn other(&self) -> &'static Edition {
        if self.code == EDITIONS[0].code { &EDITIONS[1] } else { &EDITIONS[0] }
    }

    /// Where its `book.toml` is.
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join("book").join(self.code)
    }

    /// Where its pages are.
    pub fn pages(&self, root: &Path) -> PathBuf {
        self.folder(root).join("src")
    }

    /// Where its finished pages go.
    pub fn built(&self, root: &Path) -> PathBuf {
        self.folder(root).join("build")
    }
}
