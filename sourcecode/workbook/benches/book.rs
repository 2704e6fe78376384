//! How long both editions take to build, beside mdBook alone on the same pages, with no listing, drawing or
//! check: `cargo bench -p workbook`. The two take turns, and what counts is the median of their ratios.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use mdbook_driver::MDBook;

/// Ours takes at most so many times as long.
const LIMIT: f64 = 3.0;

const TURNS: usize = 21;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut turns: Vec<(Duration, Duration)> =
        (0..TURNS).map(|_| (time(|| ours(&root)), time(|| alone(&root)))).collect();
    turns.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    let (ours, alone) = turns[TURNS / 2];
    let ratio = ratio(&turns[TURNS / 2]);
    let verdict = if ratio <= LIMIT { "reached" } else { "MISSED" };
    println!(
        "both editions: {ours:.0?}, mdBook alone {alone:.0?}: {ratio:.2} times; limit {LIMIT}: {verdict}"
    );
}

fn ratio((ours, alone): &(Duration, Duration)) -> f64 {
    ours.as_secs_f64() / alone.as_secs_f64()
}

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn ours(root: &Path) {
    for edition in ["en", "ru"] {
        let _ = fs::remove_file(root.join("book").join(edition).join("build/.stamp"));
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_workbook"));
    assert!(command.arg("build").current_dir(root).status().unwrap().success());
}

fn alone(root: &Path) {
    thread::scope(|scope| {
        for edition in ["en", "ru"] {
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                let mut book = MDBook::load(root.join("book").join(edition)).unwrap();
                book.config.build.build_dir = folder.path().join("build");
                book.with_preprocessor(Nothing);
                book.build().unwrap();
            });
        }
    });
}

/// In the place of the workbook's preprocessor.
struct Nothing;

impl mdbook_preprocessor::Preprocessor for Nothing {
    fn name(&self) -> &str {
        "workbook"
    }

    fn run(
        &self,
        _: &mdbook_preprocessor::PreprocessorContext,
        book: mdbook_preprocessor::book::Book,
    ) -> mdbook_preprocessor::errors::Result<mdbook_preprocessor::book::Book> {
        Ok(book)
    }
}
