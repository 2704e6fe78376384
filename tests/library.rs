//! The library's own tests, with every feature, as a part of a plain `cargo test`.
//!
//! The library is no default member of the workspace: the features that its tests want would be
//! compiled into every example too, and the first program would take a minute and not some seconds.
//! So this runs `cargo test` for it.

use std::env;
use std::process::Command;

#[test]
fn the_library_keeps_its_promises_with_every_feature() {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["test", "--all-features", "--quiet"]);
    for package in ["beaker-web", "beaker-web-macros", "sweep", "inspect", "deployment"] {
        cargo.args(["--package", package]);
    }
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    // They tell of the package of this test. `ring` is compiled again where they change, and all that uses it.
    for (name, _) in env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        if of_package.iter().any(|it| name.to_string_lossy().starts_with(it)) {
            cargo.env_remove(name);
        }
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo runs this test, so it is there");
    assert!(status.success(), "{status}; what failed is printed above");
}

/// The tests of the shop, which is a program of the book with a feature of its own.
#[test]
fn the_shop_does_what_its_pages_say() {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["test", "--quiet", "--example", "23_shop", "--features", "shop"]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo runs this test, so it is there");
    assert!(status.success(), "{status}; what failed is printed above");
}

/// The programs in a page of Markdown, each with what is said of it, such as `no_run`.
fn programs(page: &str) -> Vec<&str> {
    let after = page.split("\n```rust").skip(1);
    after.map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

/// Those of the library's README are compiled, and run if they end, as a part of its tests.
#[test]
fn the_programs_of_the_readme_are_in_the_librarys_own() {
    let own = programs(include_str!("../sourcecode/beaker/README.md"));
    let shown = programs(include_str!("../README.md"));
    assert!(shown.len() >= 2, "{shown:#?}");
    for program in shown {
        assert!(own.contains(&program), "{program} is not in {own:#?}");
    }
}
