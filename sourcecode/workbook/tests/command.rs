//! The command in a small workspace: what it says, and how it ends, whatever is wrong.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const FINE: &str = r#"//! Prints two lines.
fn main() {
    println!("Session ID: {:032x}", std::process::id());
    eprintln!("done");
    std::process::exit(7);
}
"#;
const HANGS: &str = r#"fn main() {
    println!("{} {}", std::process::id(), std::env::current_dir().unwrap().display());
    loop { std::thread::park() }
}
"#;

/// A workspace with these programs.
fn workspace(programs: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let write = |path: String, content: &str| {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().expect("it is in the folder")).expect("it can be made");
        fs::write(file, content).expect("it can be written");
    };
    let manifest = "[workspace]\n[package]\nname = \"small\"\nedition = \"2024\"\n\
                    [lib]\npath = \"lib.rs\"\n";
    write("Cargo.toml".into(), manifest);
    write("lib.rs".into(), "");
    fs::create_dir(folder.path().join("examples")).expect("it can be made");
    for (name, source) in programs {
        write(format!("examples/{name}.rs"), source);
    }
    folder
}

fn workbook(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workbook"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    // The same program names in several tests must not meet in one folder.
    command.env("CARGO_TARGET_DIR", folder.join("target"));
    command
}

/// Runs the command, which must end with this status and say all of this.
#[track_caller]
fn check(folder: &Path, arguments: &[&str], status: i32, said: &[&str]) -> String {
    check_command(&mut workbook(folder, arguments), status, said)
}

#[track_caller]
fn check_command(command: &mut Command, status: i32, said: &[&str]) -> String {
    let output = command.output().expect("it starts");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).expect("it is text");
    assert_eq!(output.status.code(), Some(status), "{text}");
    for part in said {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours without a terminal: {text:?}");
    text
}

#[test]
fn runs_a_program_and_ends_as_it_does() {
    let folder = workspace(&[("0_fine", FINE)]);
    let said = check(folder.path(), &["run", "0"], 7, &["Session ID: 0", "\ndone\n"]);
    assert_eq!(said.lines().count(), 2, "{said}");
    check(
        &folder.path().join("examples"),
        &["list"],
        0,
        &["  0  0_fine  Prints two lines (no expected"],
    );
}

#[test]
fn what_is_not_there() {
    let folder = workspace(&[("0_fine", FINE), ("1_hangs", HANGS)]);
    for arguments in [["run", "9"], ["check", "9"], ["record", "9"]] {
        let said = "there is no program 9; there is 0_fine, 1_hangs";
        check(folder.path(), &arguments, 2, &["error: ", said]);
    }
    check(folder.path(), &["run", "x"], 2, &["invalid value 'x'"]);
    check(folder.path(), &["run"], 2, &["<NUMBER>"]);
    check(folder.path(), &["swim"], 2, &["unrecognized subcommand 'swim'"]);
    check(folder.path(), &["run", "0", "--limit", "0"], 2, &["0 is not in 1.."]);
    check(workspace(&[]).path(), &["check"], 2, &["examples/ holds no numbered program"]);
}

#[test]
fn from_elsewhere_it_is_about_the_workbook_that_it_was_built_in() {
    let outside = tempfile::tempdir().expect("there is a folder for temporary files");
    check(outside.path(), &["list"], 0, &["  0  0_session"]);
    check(outside.path(), &["run", "99"], 2, &["there is no program 99; there is 0_session"]);
    // But within one, about that one.
    let folder = workspace(&[("0_fine", FINE)]);
    check(folder.path(), &["run", "99"], 2, &["there is no program 99; there is 0_fine\n"]);
}

/// A workspace with one program and one exercise, whose answer is a line, and a bonus.
fn workspace_with_exercise() -> TempDir {
    let folder = workspace(&[("0_fine", FINE)]);
    let files = [
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"exercises\"]\n[package]\nname = \"small\"\n\
                        edition = \"2024\"\n[lib]\npath = \"lib.rs\"\n",
        ),
        ("exercises/Cargo.toml", "[package]\nname = \"exercises\"\nedition = \"2024\"\n"),
        ("exercises/src/lib.rs", ""),
        ("examples/common/README", ""),
        ("exercises/00_say/start.rs", "fn main() { todo!(\"say it\") }\n"),
        ("exercises/00_say/output.txt", "$ cargo run -- exercise check 0\nwell\n"),
        (
            "exercises/00_say/advice.toml",
            "[[advice]]\nwhen = \"oops\"\nen = \"Say well.\"\nru = \"Скажите well.\"\n",
        ),
        ("exercises/00_say_bonus/start.rs", "fn main() { todo!(\"say it twice\") }\n"),
        ("book/en/src/SUMMARY.md", "- [Page](page.md)\n"),
        (
            "book/en/src/page.md",
            "# Page {#page}\n\n## Exercise {#exercise}\n\nSay it.\n\n{{#exercise 00_say}}\n\n\
          <details><summary>Hint</summary>One.</details>\n<details><summary>Hint</summary>Two.</details>\n\
          <details><summary>Hint</summary>Three.</details>\n<details><summary>Answer</summary>All.</details>\n\n\
          ## Bonus {#bonus}\n\nTwice.\n\n{{#exercise 00_say_bonus}}\n\n\
          <details><summary>Hint</summary>Four.</details>\n<details><summary>Answer</summary>It.</details>\n",
        ),
    ];
    for (path, content) in files {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().expect("it is in the folder")).expect("it can be made");
        fs::write(file, content).expect("it can be written");
    }
    folder
}

#[test]
fn an_exercise_is_begun_checked_and_solved() {
    let folder = workspace_with_exercise();
    let folder = folder.path();
    let answer = |text: &str| {
        let file = folder.join("exercises/src/bin/00_say/main.rs");
        fs::write(file, format!("fn main() {{ {text} }}\n")).expect("it can be written");
    };
    let exercise = |arguments: &[&str], status, said: &[&str]| {
        check(folder, &[&["exercise"], arguments].concat(), status, said)
    };
    let listed = ["00_say        not started", "00_say_bonus  not started  page, a bonus"];
    exercise(&["list"], 0, &listed);
    exercise(&["check", "0"], 2, &["00_say: not started: `cargo run -- exercise start 0`"]);
    exercise(&["start", "0"], 0, &["Edit exercises/src/bin/00_say/main.rs"]);
    let unbegun = "✗ 00_say: not begun: exercises/src/bin/00_say/main.rs still holds the start";
    exercise(&["check", "0"], 1, &[unbegun]);
    answer("not rust");
    let said = exercise(&["check", "0"], 3, &["✗ 00_say: it does not compile", "expected one of"]);
    assert!(!said.contains("does not end"), "{said}");
    for (wrong, advice) in [
        ("let a = String::new(); drop(a); drop(a);", "A value was moved into a call or a closure"),
        ("let a: String = \"a\"; drop(a);", "The compiler names two types"),
        ("let mut a = vec![1]; let b = &a[0]; a.clear(); drop(*b + b);", "Copy the value first"),
        ("let a = vec![1]; a.clear();", "write `let mut` where the variable is made"),
        ("let a = 1; std::thread::spawn(|| drop(&a));", "write `move` before it"),
        ("drop(wel);", "This name is not known here"),
        ("std::fs::read(\"a\")?;", "the function must return a `Result`"),
    ] {
        answer(wrong);
        exercise(&["check", "0", "--lang", "en"], 3, &[advice]);
    }
    answer("std::process::abort()");
    exercise(&["check", "0"], 4, &["✗ 00_say: it does not end as it should", "signal 6"]);
    answer("println!(\"oops\")");
    let differs = ["✗ 00_say: it prints something else than it should", "+ oops", "Say well."];
    exercise(&["check", "0"], 1, &differs);
    answer("println!(\"well\")");
    exercise(
        &["check", "0"],
        0,
        &[
            "✓ 00_say\nwell\n",
            "all exercises are solved; a bonus is left, 00_say_bonus: `cargo run -- exercise start 00_say_bonus`",
        ],
    );
    exercise(&["list"], 0, &["00_say        solved"]);
    exercise(&["hint", "00_say_bonus"], 0, &["Twice.\n\nHint 1 of 1\nFour."]);
    check(
        folder,
        &["progress"],
        0,
        &["  1 of  1 exercises solved\n  0 of  1 bonuses solved; next: 00_say_bonus"],
    );
}

#[test]
fn watching_an_exercise_checks_what_is_saved_and_knows_keys() {
    let folder = workspace_with_exercise();
    let answer = |text: &str| {
        let file = folder.path().join("exercises/src/bin/00_say/main.rs");
        fs::write(file, format!("fn main() {{ {text} }}\n")).expect("it can be written");
    };
    let mut command = workbook(folder.path(), &["exercise", "watch", "0", "--lang", "en"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut keys = child.stdin.take().expect("it is a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("it is a pipe")).lines();
    let mut until = |said: &str| {
        let found = lines.by_ref().map_while(Result::ok).any(|line| line.contains(said));
        assert!(found, "it ended, and never said: {said}");
    };
    let notes = BufReader::new(child.stderr.take().expect("it is a pipe")).lines();
    let (sender, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || notes.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let note = |said: &str| while !heard.recv().expect("it still runs").contains(said) {};

    until("Edit exercises/src/bin/00_say/main.rs");
    until("not begun: exercises/src/bin/00_say/main.rs still holds the start");
    note("watching 00_say; h: the next hint, n: the next exercise, q: the end");
    keys.write_all(b"xh\n").expect("it listens");
    until("Hint 1 of 3");
    answer("println!(\"oops\")");
    until("Say well.");
    keys.write_all(b"h").expect("it listens");
    until("Hint 2 of 3");
    answer("println!(\"well\")");
    until("✓ 00_say");
    keys.write_all(b"n").expect("it listens");
    note("watching 00_say_bonus;");
    keys.write_all(b"n").expect("it listens");
    note("there is no other exercise left to solve");
    keys.write_all(b"q").expect("it listens");
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn hints_come_one_after_another() {
    let folder = workspace_with_exercise();
    let hint = |arguments: &[&str], said: &[&str]| {
        let said = check(folder.path(), &[&["exercise", "hint", "0"], arguments].concat(), 0, said);
        assert_eq!(said.contains("Say it."), said.contains("One."), "{said}");
    };
    hint(&[], &["Say it.", "Hint 1 of 3\nOne.\n"]);
    hint(&[], &["Hint 2 of 3\nTwo.\n"]);
    for _ in 0..2 {
        hint(
            &[],
            &["Hint 3 of 3\nThree.\n", "`cargo run -- exercise solution 0` shows a solution"],
        );
    }
    hint(&["2"], &["Hint 2 of 3\nTwo.\n"]);
    hint(&[], &["Three."]);
    check(folder.path(), &["exercise", "reset", "0"], 0, &["The start is again in"]);
    hint(&[], &["One."]);
    for wrong in ["0", "4"] {
        let said = format!("there is no hint {wrong}; there are hints 1 to 3");
        check(folder.path(), &["exercise", "hint", "0", wrong], 2, &[&said]);
    }
}

#[test]
fn programs_that_do_not_end_as_they_should() {
    let crashes = "fn main() { println!(\"so far\"); std::process::abort() }";
    let folder = workspace(&[("1_hangs", HANGS), ("2_crashes", crashes)]);
    let slow = "the program `1_hangs` did not end within 1 s and was stopped";
    check(folder.path(), &["run", "1", "--limit", "1"], 4, &[slow]);
    check(folder.path(), &["run", "2"], 4, &["so far", "`2_crashes` crashed: signal 6 (SIGABRT"]);
    check(folder.path(), &["check", "1", "--limit", "1"], 4, &["✗ 1_hangs: ", slow]);
    check(folder.path(), &["check", "2"], 4, &["✗ 2_crashes: ", "signal 6", "so far"]);
    check(folder.path(), &["record", "2"], 4, &["✗ 2_crashes: not recorded: "]);
    assert!(!folder.path().join("expected-output").exists());
}

#[test]
fn programs_that_cannot_be_built() {
    let folder = workspace(&[("0_wrong", "fn main() { not rust }")]);
    let said = ["error: expected one of", "could not compile 0_wrong: see cargo's errors above"];
    for arguments in [["run", "0"], ["check", "0"], ["record", "0"]] {
        check(folder.path(), &arguments, 3, &said);
    }
    let said = "there is no `/no/cargo` to build the programs: install Rust";
    check_command(workbook(folder.path(), &["run", "0"]).env("CARGO", "/no/cargo"), 3, &[said]);
}

#[test]
fn records_and_checks() {
    let folder = workspace(&[("0_fine", FINE), ("2_plain", "fn main() { println!(\"plain\") }")]);
    let folder = folder.path();
    let recorded = folder.join("expected-output/0_fine.txt");
    check(folder, &["check"], 1, &["✗ 0_fine: there is no expected output; `record 0` writes it"]);
    check(folder, &["record", "0"], 0, &["✓ 0_fine: expected output written for the first time"]);
    let first = fs::read_to_string(&recorded).expect("it was recorded");
    assert!(first.starts_with("$ cargo run --example 0_fine\nSession ID: 0"), "{first}");
    assert!(first.ends_with("\ndone\n[exit status: 7]\n"), "{first}");

    let both = "✓ 0_fine: as expected\n✓ 2_plain: expected output written for the first time\n";
    check(folder, &["record"], 0, &[both]);
    check(folder, &["check"], 0, &["✓ 0_fine\n✓ 2_plain\n"]);
    assert_eq!(fs::read_to_string(&recorded).expect("it is there"), first);

    fs::write(&recorded, first.replace("done", "gone")).expect("it can be written");
    let difference = "    - gone\n    + done\n      [exit status: 7]\n";
    check(folder, &["check"], 1, &["✗ 0_fine: ", "Session ID: ‹id 1›\n", difference, "✓ 2_plain"]);
    check(folder, &["check", "2"], 0, &["✓ 2_plain\n"]);
    check(folder, &["record"], 0, &["✓ 0_fine: expected output written again", difference]);
    check(folder, &["check"], 0, &[]);
    check(folder, &["record", "--all"], 0, &["✓ 2_plain: expected output written again"]);

    fs::remove_file(folder.join("examples/2_plain.rs")).expect("it was there");
    check(folder, &["check"], 1, &["✗ 2_plain: there is an expected output, but no such program"]);
    check(folder, &["check", "0"], 0, &[]);
}

#[test]
fn a_taken_port() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("some port is free");
    let port = listener.local_addr().expect("it has one").port().to_string();
    let folder = workspace(&[]);
    check(folder.path(), &["serve", "--port", &port], 5, &["error: ", &port]);
}

#[test]
fn a_killed_command_leaves_nothing_behind() {
    let folder = workspace(&[("1_hangs", HANGS)]);
    let mut command = workbook(folder.path(), &["run", "1", "--limit", "1000"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("it is a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("it prints a line");
    let (process, own_folder) = line.trim().split_once(' ').expect("an id and a folder");
    let state = format!("/proc/{process}/stat");
    assert!(Path::new(&state).exists() && Path::new(own_folder).exists(), "{line}");

    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let gone = || {
        let state = fs::read_to_string(&state).unwrap_or_default();
        // One that has ended may wait for its new parent to notice.
        (state.is_empty() || state.contains(") Z ")) && !Path::new(own_folder).exists()
    };
    wait_for("the program and its folder to go", gone);
}

#[test]
fn watching_runs_again_after_a_change() {
    let folder = workspace(&[("0_says", "fn main() { println!(\"one\") }")]);
    let mut command = workbook(folder.path(), &["run", "0", "--watch"]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is a pipe")).lines();
    let mut next = || lines.next().expect("the command still runs").expect("it is text");
    assert_eq!(next(), "one");
    let source = folder.path().join("examples/0_says.rs");
    fs::write(&source, "fn main() { println!(\"two\"); loop { std::thread::park() } }")
        .expect("it can be written");
    assert_eq!(next(), "two");
    // An editor's way to save, while the program runs.
    let new = folder.path().join("examples/.0_says.rs.new");
    fs::write(&new, "fn main() { println!(\"three\") }").expect("it can be written");
    fs::rename(&new, &source).expect("it can be renamed");
    assert_eq!(next(), "three");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(600);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::yield_now();
    }
}

#[test]
fn follows_an_english_page() {
    let folder = workspace(&[]);
    for edition in ["en", "ru"] {
        let pages = folder.path().join("book").join(edition).join("src");
        fs::create_dir_all(&pages).expect("it can be made");
        fs::write(pages.join("page.md"), "# Page {#page}\n").expect("it can be written");
    }
    let hint = "git log -p book/en/src/page.md";
    check(folder.path(), &["follow", "page.md"], 0, &["page.md follows the English page as", hint]);
    check(folder.path(), &["follow", "--all"], 0, &["page.md follows the English page already"]);
    let said =
        ["there is no page book/en/src/gone.md; name one such as `session-file`, or `--all`"];
    check(folder.path(), &["follow", "gone"], 2, &said);
    check(folder.path(), &["follow"], 2, &["<PAGE>..."]);
}
