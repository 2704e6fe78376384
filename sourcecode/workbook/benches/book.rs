//! How long readers wait: for both editions, beside mdBook alone on the same pages, with no listing, drawing
//! or check; for a page that was changed; for the first output of a program; for the check of all programs.
//! `cargo bench -p workbook`. Sides that are compared take turns, and what counts is the median.

#[path = "../tests/server/mod.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod server;

use std::io::BufRead;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use mdbook_driver::MDBook;
use serde_json::json;
use server::Server;

/// Ours takes at most so many times as long.
const LIMIT: f64 = 3.0;

const TURNS: usize = 21;

fn main() {
    let root = server::root();
    let mut turns: Vec<(Duration, Duration)> =
        (0..TURNS).map(|_| (time(|| ours(&root)), time(|| alone(&root)))).collect();
    turns.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    let (ours, alone) = turns[TURNS / 2];
    let ratio = ratio(&turns[TURNS / 2]);
    let reached = if ratio <= LIMIT { "reached" } else { "MISSED" };
    println!(
        "both editions: {ours:.0?}, mdBook alone {alone:.0?}: {ratio:.2} times; limit {LIMIT}: {reached}"
    );
    let changed = median(changed_page(&root));
    println!("a changed page is shown after {changed:.0?}; limit 1 s: {}", verdict(changed, 1000));
    let first = median(first_output(&root));
    println!(
        "the first output of a built program after {first:.0?}; limit 200 ms: {}",
        verdict(first, 200)
    );
    let check = median((0..5).map(|_| time(|| run(&root, "check"))).collect());
    println!("the check of all programs, built: {check:.0?}; limit 2 s: {}", verdict(check, 2000));
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn verdict(time: Duration, limit: u64) -> &'static str {
    if time <= Duration::from_millis(limit) { "reached" } else { "MISSED" }
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
    run(root, "build");
}

fn run(root: &Path, what: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workbook"));
    let output = command.arg(what).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// From the moment that the file is written to the event at which an open page loads itself again, in a
/// copy of the book.
fn changed_page(root: &Path) -> Vec<Duration> {
    let copy = tempfile::tempdir().unwrap();
    for part in ["Cargo.toml", "book", "examples", "exercises", "expected-output", "sourcecode"] {
        let mut copying = Command::new("cp");
        assert!(
            copying.arg("-r").arg(root.join(part)).arg(copy.path()).status().unwrap().success()
        );
    }
    let server = Server::start(copy.path(), &[]);
    let mut events = server.send("GET /live", "").lines();
    let mut next = move || events.find(|line| line.as_ref().unwrap() == "event: build").unwrap();
    next().unwrap();
    let page = copy.path().join("book/en/src/caching.md");
    let text = fs::read_to_string(&page).unwrap();
    let change = |turn| fs::write(&page, format!("{text}\nTurn {turn}.\n")).unwrap();
    (0..TURNS).map(|turn| time(|| drop((change(turn), next())))).collect()
}

fn first_output(root: &Path) -> Vec<Duration> {
    let server = Server::start(root, &[]);
    let what = json!({ "what": "0_session" });
    // The first time it is asked for, cargo is.
    server.run(&what).for_each(drop);
    let printed = || server.run(&what).find(|event| event["is"] == "printed").unwrap();
    (0..TURNS).map(|_| time(|| drop(printed()))).collect()
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
