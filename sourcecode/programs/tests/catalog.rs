//! The programs are found where they are, and what is not there is said clearly.

mod fixture;

use programs::{Catalog, ErrorKind, Recording, Workspace};

const MANIFEST: &str = "[workspace]\n[package]\nname = \"x\"\n\
    [[example]]\nname = \"4_kept\"\nrequired-features = [\"memcached\"]\n\
    [[example]]\nname = \"6_shared\"\nrequired-features = [\"redis\"]\n\
    [[example]]\nname = \"5_served\"\nrequired-features = [\"memcached\", \"server\"]\n\
    [[example]]\nname = \"20_async\"\nrequired-features = [\"axum\"]\n";

#[test]
fn programs_are_read_from_the_folder() {
    let folder = fixture::workspace(&[
        ("Cargo.toml", MANIFEST),
        ("examples/10_plain.rs", ""),
        ("examples/20_async.rs", ""),
        ("examples/5_served.rs", ""),
        ("examples/4_kept.rs", ""),
        ("examples/6_shared.rs", ""),
        ("examples/0_first.rs", ""),
        ("examples/common/mod.rs", ""),
        ("examples/exercise_01_x.rs", ""),
        ("examples/notes.txt", ""),
        ("examples/+1_x.rs", ""),
    ]);
    let catalog = Catalog::read(&Workspace::at(folder.path())).expect("it is well formed");
    let commands: Vec<_> = catalog.programs().iter().map(programs::Program::command).collect();
    assert_eq!(
        commands,
        [
            "cargo run --example 0_first",
            "cargo run --example 4_kept --features memcached",
            "cargo run --example 5_served --features memcached,server",
            "cargo run --example 6_shared --features redis",
            "cargo run --example 10_plain",
            "cargo run --example 20_async --features axum",
        ]
    );
    let needs = |number| {
        let program = catalog.find(number).expect("it is there");
        [program.needs_memcached(), program.needs_redis(), program.is_served()]
    };
    let needed = [
        [false; 3],
        [true, false, false],
        [true, false, true],
        [false, true, false],
        [false, false, true],
    ];
    assert_eq!([0, 4, 5, 6, 20].map(needs), needed);

    let error = catalog.find(7).expect_err("it is not there");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(
        error.to_string(),
        "there is no program 7; there is 0_first, 4_kept, 5_served, 6_shared, 10_plain, 20_async"
    );
}

#[test]
fn a_number_is_given_once() {
    let folder = fixture::workspace(&[
        ("Cargo.toml", MANIFEST),
        ("examples/1_a.rs", ""),
        ("examples/1_b.rs", ""),
    ]);
    let error = Catalog::read(&Workspace::at(folder.path())).expect_err("two have one number");
    assert!(error.to_string().starts_with("`1_a` and `1_b` in "), "{error}");
}

#[test]
fn the_workspace_is_found_from_below() {
    let folder = fixture::workspace(&[
        ("Cargo.toml", MANIFEST),
        ("examples/0_a.rs", ""),
        ("sourcecode/x/Cargo.toml", "[package]"),
        ("sourcecode/x/src/lib.rs", ""),
    ]);
    let root = folder.path().canonicalize().expect("it is there");
    for below in [".", "examples", "sourcecode/x/src"] {
        let found = Workspace::find(&root.join(below)).expect("it is above");
        assert_eq!(found.root(), root);
    }
    let outside = tempfile::tempdir().expect("there is a folder for temporary files");
    let error = Workspace::find(outside.path()).expect_err("it is elsewhere");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("is not inside the workbook"), "{error}");
    Workspace::find(&outside.path().join("none")).expect_err("there is no such folder");
    let fallen_back = Workspace::find_or(outside.path(), &root).expect("it was built there");
    assert_eq!(fallen_back.root(), root.canonicalize().expect("it is there"));
    let error = Workspace::find_or(outside.path(), outside.path()).expect_err("it is gone");
    assert!(error.to_string().contains("is not inside the workbook"), "{error}");
}

#[test]
fn recordings_are_written_and_read() {
    let folder = fixture::workspace(&[("Cargo.toml", MANIFEST), ("examples/0_a.rs", "")]);
    let workspace = Workspace::at(folder.path());
    let catalog = Catalog::read(&workspace).expect("it is well formed");
    let program = catalog.find(0).expect("it is there");
    assert_eq!(Recording::read(&workspace, program).expect("it can be looked for"), None);
    assert_eq!(Recording::names(&workspace).expect("it can be looked for"), [""; 0]);

    let check = |output: &str, status, expected: &str| {
        let (command, output) = (program.command(), output.to_owned());
        Recording { command, output, status }.write(&workspace, program).expect("it is written");
        let read = Recording::read(&workspace, program).expect("it is read");
        assert_eq!(read.as_deref(), Some(expected));
    };
    check("", 0, "$ cargo run --example 0_a\n");
    check("a\n", 0, "$ cargo run --example 0_a\na\n");
    check("a", 1, "$ cargo run --example 0_a\na\n[exit status: 1]\n");
    assert_eq!(Recording::names(&workspace).expect("it is read"), ["0_a"]);
}
