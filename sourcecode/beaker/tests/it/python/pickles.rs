//! A real Python loads what was read and written here as the same objects, as shared as they were.

use std::io::Write;
use std::process::{Command, Stdio};

use beaker::Value;
use data_encoding::HEXLOWER;
use serde_json::json;

use crate::pickles::made::{LINES, Made, made};
use crate::pickles::read;

fn python(argument: &str, input: &str) -> String {
    let path = std::env::var("BEAKER_PYTHON").expect("BEAKER_PYTHON names a Python with Beaker");
    let mut process = Command::new(path)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/python/pickles.py"))
        .arg(argument)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "Python failed");
    String::from_utf8(output.stdout).unwrap()
}

/// Gives Python lines to compare, and checks that it compared them all and found nothing.
fn compare(lines: &[String]) {
    assert_eq!(python("compare", &lines.join("\n")).trim(), lines.len().to_string());
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn python_loads_what_is_written_here_as_the_same_objects() {
    let all = made(&python("make", ""));
    let mut lines = Vec::new();
    for Made { name, protocol, bytes } in &all {
        for other in [2, 4, 5] {
            let written = read(bytes).write(other);
            let (one, other_hex) = (HEXLOWER.encode(bytes), HEXLOWER.encode(&written));
            let name = format!("{name}, as {other}");
            lines.push(
                json!({"name": name, "protocol": protocol, "one": one, "other": other_hex})
                    .to_string(),
            );
        }
    }
    assert!(lines.len() > 1000, "{}", lines.len());
    compare(&lines);
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn python_finds_new_values_beside_what_was_there() {
    let new = Value::List(
        vec![
            Value::Null,
            true.into(),
            i64::MIN.into(),
            i64::MAX.into(),
            (-1).into(),
            300.into(),
            1.5.into(),
            "a \u{e4} \u{1f3c1}".into(),
            b"\0\xff".as_slice().into(),
            b"".as_slice().into(),
            Value::Map(
                [("k".to_owned(), Value::List([].into())), (String::new(), 1.into())].into(),
            ),
        ]
        .into(),
    );
    let expected = json!([
        null, true, i64::MIN, i64::MAX, -1, 300, 1.5, "a \u{e4} \u{1f3c1}", [0, 255], [], {"": 1, "k": []}
    ]);
    let mut lines = Vec::new();
    for Made { name, protocol, bytes } in made(LINES) {
        let mut pickle = read(&bytes);
        let old = (pickle.add_text("old"), pickle.root());
        let new = (pickle.add_text("new"), pickle.add(&new).unwrap());
        let root = pickle.add_dict([old, new]);
        pickle.set_root(root);
        for other in [2, 4, 5] {
            let (one, other) = (HEXLOWER.encode(&bytes), HEXLOWER.encode(&pickle.write(other)));
            lines.push(
                json!({"name": name, "protocol": protocol, "one": one, "other": other, "new": expected})
                    .to_string(),
            );
        }
    }
    compare(&lines);
}

/// The file in the repository is what the script makes.
#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn the_pickles_of_the_tests_are_those_that_python_makes() {
    let fresh = python("make", "");
    let fresh = fresh.lines().filter(|line| !line.starts_with("large"));
    let (fresh, kept) = (made(&fresh.collect::<Vec<_>>().join("\n")), made(LINES));
    let differ: Vec<_> =
        fresh.iter().zip(&kept).filter(|(one, other)| one.bytes != other.bytes).collect();
    let names: Vec<_> = differ.iter().map(|(one, _)| &one.name).collect();
    assert!(names.is_empty() && fresh.len() == kept.len(), "{names:?}");
}
