//! The plain `mdbook build book/en`, which runs our preprocessor as a command.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use mdbook_driver::MDBook;
use mdbook_driver::config::Config;

const WORKBOOK: &str = env!("CARGO_BIN_EXE_workbook");

#[test]
fn the_command_gives_what_the_build_gives() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let built = Command::new(WORKBOOK).arg("build").current_dir(&root).status().unwrap();
    assert!(built.success());

    let folder = tempfile::tempdir().unwrap();
    let edition = root.join("book/en");
    let mut settings = Config::from_disk(edition.join("book.toml")).unwrap();
    // As in `book.toml`, without the way over cargo.
    let command: String = settings.get("preprocessor.workbook.command").unwrap().unwrap();
    assert_eq!(command, "cargo run --quiet --package workbook -- preprocess");
    settings.set("preprocessor.workbook.command", format!("'{WORKBOOK}' preprocess")).unwrap();
    settings.build.build_dir = folder.path().to_owned();
    MDBook::load_with_config(&edition, settings).unwrap().build().unwrap();

    let mut pages = 0;
    for entry in folder.path().read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "html") {
            let ours = edition.join("build").join(path.file_name().unwrap());
            assert_eq!(
                fs::read_to_string(&path).unwrap(),
                fs::read_to_string(ours).unwrap(),
                "{}",
                path.display()
            );
            pages += 1;
        }
    }
    assert!(pages > 5, "{pages} pages");
}

/// Where a page says what is next, its first link leads to the page that comes next.
#[test]
fn what_is_next_is_the_next_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book");
    let links = |text: &str| -> Vec<String> {
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        targets.filter(|target| target.ends_with(".md")).map(str::to_owned).collect()
    };
    for edition in ["en", "ru"] {
        let read =
            |page: &str| fs::read_to_string(root.join(edition).join("src").join(page)).unwrap();
        let pages = links(&read("SUMMARY.md"));
        assert!(pages.len() > 20, "{pages:?}");
        for pair in pages.windows(2) {
            let text = read(&pair[0]);
            let (_, next) = text.split_once("{#next}").unwrap_or_else(|| {
                panic!("{edition}/{} does not say what is next", pair[0]);
            });
            assert_eq!(links(next).first(), Some(&pair[1]), "{edition}/{}", pair[0]);
        }
    }
}

#[test]
fn what_is_no_book_is_an_error() {
    let mut command = Command::new(WORKBOOK)
        .arg("preprocess")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    command.stdin.take().unwrap().write_all(b"[1, 2").unwrap();
    let output = command.wait_with_output().unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("should be what mdBook sends"), "{error}");
}

#[test]
fn answers_which_renderers_it_supports() {
    for (renderer, supported) in [("html", true), ("epub", false)] {
        let status = Command::new(WORKBOOK)
            .args(["preprocess", "supports", renderer])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.success(), supported, "{renderer}");
    }
}
