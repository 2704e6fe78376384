//! Every exercise: its start fails, its solution is one, its typical mistakes get advice, and both editions
//! have three hints. The programs are compiled and run.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use programs::{Draft, Workspace};

use super::{Exercise, Exercises, Hints, Verdict, check};
use crate::book::edition::EDITIONS;

/// As long as a program takes on a busy machine; none is meant to hang.
const LIMIT: Duration = Duration::from_secs(300);

fn workspace() -> Workspace {
    Workspace::at(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap())
}

/// Those of all programs, so that the library is compiled once for all.
fn features(exercises: &Exercises) -> Vec<String> {
    let all = exercises.all().iter().flat_map(|exercise| exercise.program().features());
    Vec::from_iter(all.cloned().collect::<BTreeSet<String>>())
}

fn verdict(workspace: &Workspace, exercise: &Exercise, features: &[String], file: &str) -> Verdict {
    // Two names, one for each test, since what cargo makes of them stays.
    let name = if file == "solution.rs" { "test_solution" } else { "test_mistake" };
    let draft = Draft::new(workspace, name, &exercise.text(file).unwrap()).unwrap();
    check(exercise, &draft, features, LIMIT).unwrap()
}

#[test]
fn every_solution_is_one() {
    let workspace = workspace();
    let exercises = Exercises::read(&workspace).unwrap();
    let features = features(&exercises);
    assert!(!exercises.all().is_empty());
    for exercise in exercises.all() {
        match verdict(&workspace, exercise, &features, "solution.rs") {
            Verdict::Solved(_) => {}
            other => panic!("{}: its solution is none: {other:?}", exercise.name()),
        }
    }
}

/// With `BEAKER_LONG_TESTS=1`, as in CI: these are a hundred programs to compile.
#[test]
fn every_start_fails_and_every_mistake_gets_advice() {
    if std::env::var_os("BEAKER_LONG_TESTS").is_none() {
        return;
    }
    let workspace = workspace();
    let exercises = Exercises::read(&workspace).unwrap();
    let features = features(&exercises);
    for exercise in exercises.all() {
        let name = exercise.name();
        let start = exercise.text("start.rs").unwrap();
        assert!(start.contains("todo!("), "{name}: the reader sees where the work is");
        match verdict(&workspace, exercise, &features, "start.rs") {
            Verdict::Solved(_) => panic!("{name}: the start is solved already"),
            // It compiles, and so the compiler is not what a reader hears first. A server that is left
            // alone by its handler gives no answer.
            Verdict::Refused(said, _) | Verdict::Failed(said, _) => {
                assert!(said.contains("not yet implemented: "), "{name}: the start: {said}");
            }
            Verdict::Differs { printed, .. } => {
                let printed = printed.to_string();
                assert!(printed.contains("not yet implemented"), "{name}: {printed}");
            }
        }
        let wrong = exercise.wrong().unwrap();
        assert!(wrong.len() >= 2, "{name} knows {} typical mistakes", wrong.len());
        for file in wrong {
            match verdict(&workspace, exercise, &features, &file) {
                Verdict::Differs { advice, .. }
                | Verdict::Refused(_, advice)
                | Verdict::Failed(_, advice)
                    if !advice.is_empty() => {}
                other => panic!("{name}/{file}: no advice for {other:?}"),
            }
        }
    }
}

#[test]
fn every_exercise_is_on_a_page_of_each_edition_with_three_hints() {
    let workspace = workspace();
    for exercise in Exercises::read(&workspace).unwrap().all() {
        for edition in &EDITIONS {
            let hints = Hints::read(&workspace, exercise, edition).unwrap();
            assert_eq!(hints.hints.len(), 3, "{}: {}", edition.code, exercise.name());
            assert!(!hints.task.is_empty() && !hints.answer.is_empty());
        }
    }
}

#[test]
fn they_come_in_the_order_of_the_book() {
    let exercises = Exercises::read(&workspace()).unwrap();
    let names: Vec<&str> = exercises.all().iter().map(Exercise::name).collect();
    assert_eq!(names[..3], ["27_first_counter", "10_configuration", "00_session"]);
    let next = exercises.next(exercises.find("27").unwrap(), |_| false);
    assert_eq!(next.map(Exercise::name), Some("10_configuration"));
}

#[test]
fn what_is_not_there_is_an_error_that_lists_what_is() {
    let exercises = Exercises::read(&workspace()).unwrap();
    let error = exercises.find("99").unwrap_err().to_string();
    assert!(error.contains("there is no exercise `99`") && error.contains("00_session"), "{error}");
    assert!(exercises.find("../00_session").is_err());
    assert_eq!(exercises.find("0").unwrap().name(), "00_session");
}
