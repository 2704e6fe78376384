//! What the build promises, on small workspaces of the tests' own and on the book itself.

mod built;
mod colours;
mod directives;
mod drawings;
mod editions;
mod figures;
mod follow;
mod glossary;
mod interface;
mod markup;
mod mistakes;
mod parity;
mod preprocess;
mod prose;
mod taught;
mod template;
mod unused;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::build::build;
use super::edition::EDITIONS;

/// The program that the pages of the tests show.
pub const PROGRAM: &str = r#"//! A program.

use std::collections::HashMap;

fn main() {
    // ANCHOR: saving
    let mut drivers: HashMap<&str, &str> = HashMap::new(); // (1)
    drivers.insert("Suomi", "Kimi & <Räikkönen>");

    println!("{drivers:?}"); // (2)
    // ANCHOR_END: saving
}
"#;

/// Its recorded output.
pub const OUTPUT: &str = "$ cargo run --example 0_session\n{\"Suomi\": \"Kimi & <Räikkönen>\"}\n\n\
                          OK\n[exit status: 1]\n";

/// The terms of the tests, with words in other orders.
pub const GLOSSARY: &str = r#"
[[term]]
en = "store"
ru = "хранилище"
says_en = "Where records are."
says_ru = "Место, где лежат записи."
not_ru = ["стор "]

[[term]]
en = "back end"
ru = "ёмкость"
says_en = "A store with its locks."
says_ru = "Хранилище с блокировками."
not_en = ["backend", "engine "]
not_ru = ["задний конец"]
"#;

/// A workspace with two editions of one page each, one program and one output.
pub struct Workspace(TempDir);

impl Workspace {
    pub fn new() -> Workspace {
        let workspace = Workspace(TempDir::new().unwrap());
        for edition in &EDITIONS {
            let code = edition.code;
            let settings = "[build]\nuse-default-preprocessors = false\nbuild-dir = \"build\"\n\
                            [preprocessor.workbook]\ncommand = \"this-command-is-not-run\"\n\
                            [output.html]\nhash-files = false\n";
            workspace.write(&format!("book/{code}/book.toml"), settings);
            workspace.write(&format!("book/{code}/src/SUMMARY.md"), "- [Page](page.md)\n");
            workspace.write(&format!("book/{code}/src/page.md"), "# Page {#page}\n");
        }
        workspace.write("examples/0_session.rs", PROGRAM);
        workspace.write("expected-output/0_session.txt", OUTPUT);
        workspace.write("sourcecode/long.rs", &"line();\n".repeat(31));
        workspace.write("sourcecode/wide.rs", &format!("{}\n", "x".repeat(81)));
        workspace.write("sourcecode/blank.rs", "\n\n\n");
        workspace.write("book/glossary.toml", GLOSSARY);
        workspace
            .write("book/figures/dot.svg", "<svg viewBox=\"0 0 1 1\">\n\n<path d=\"\"/></svg>");
        workspace
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Builds both editions with this as the English page.
    pub fn build(&self, page: &str) -> Result<String, String> {
        self.write("book/en/src/page.md", page);
        build(self.root()).map_err(|error| format!("{error:#}"))?;
        Ok(fs::read_to_string(self.root().join("book/en/build/page.html")).unwrap())
    }
}

/// The workspace that this crate is a part of.
pub fn real_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
