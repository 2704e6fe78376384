//! What the book quotes of Rust in its text can be compiled.

use std::env;
use std::process::Command;

/// The packages of the library's tests and, last, the quotes. With all of them cargo switches on what it has
/// switched on for `tests/library.rs`, and nothing is compiled again.
const PACKAGES: [&str; 6] =
    ["beaker-web", "beaker-web-macros", "sweep", "inspect", "deployment", "quotes"];

#[test]
fn each_line_of_rust_that_the_book_quotes_is_compiled() {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["test", "--all-features", "--quiet", "--color", "never", "--lib"]);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    // As in `tests/library.rs`: they tell of the package of this test.
    for (name, _) in env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        if of_package.iter().any(|it| name.to_string_lossy().starts_with(it)) {
            cargo.env_remove(name);
        }
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    // Of all tests, those of what finds the quotes and puts them together, and those of the page on tests.
    cargo.args(["--", "quoted::", "testing::"]);
    let output = cargo.output().expect("cargo runs this test, so it is there");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines = places(&said).join("\n");
    assert!(
        output.status.success(),
        "{said}\nThe compiler refuses lines that the book quotes; what a line needs around it stands in \
         sourcecode/quotes/pages:\n{lines}"
    );
}

/// The pages and lines in what the compiler says, each once.
fn places(said: &str) -> Vec<&str> {
    let marks = said.split("/* ").skip(1).filter_map(|rest| rest.split_once(" */"));
    let mut places: Vec<&str> =
        marks.map(|(place, _)| place).filter(|it| it.starts_with("book/")).collect();
    places.dedup();
    places
}

#[test]
fn the_places_are_in_what_the_compiler_says() {
    let said = "error[E0425]: no `a`\n --> out/p.rs:3\n3 | a() /* book/en/src/p.md:7 */\n  | ^\n\
                3 | a() /* book/en/src/p.md:7 */\nhelp\n9 | b /* book/en/src/q.md:1 */;\n";
    assert_eq!(places(said), ["book/en/src/p.md:7", "book/en/src/q.md:1"]);
    assert!(places("error: no library targets found").is_empty());
}
