//! Every exercise: its start fails, its solution is one, its typical mistakes get advice, and both editions
//! have three hints. The programs are compiled and run.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use programs::{Draft, Workspace};

use super::{Exercise, Exercises, Hints, Verdict, check};
use crate::book::edition::EDITIONS;

/// Those that are tried: all, or the one whose name is in `BEAKER_EXERCISE`.
fn tried(exercises: &Exercises) -> Vec<&Exercise> {
    match std::env::var("BEAKER_EXERCISE") {
        Ok(name) => vec![exercises.find(&name).unwrap()],
        Err(_) => exercises.all().iter().collect(),
    }
}

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
    for exercise in tried(&exercises) {
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
    for exercise in tried(&exercises) {
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
fn they_come_in_the_order_of_the_pages_and_a_number_means_the_first() {
    let exercises = Exercises::read(&workspace()).unwrap();
    let place = |name| exercises.all().iter().position(|exercise| exercise.name() == name).unwrap();
    assert!(place("27_first_counter") < place("00_session"));
    assert!(place("05_session_wsgi") > place("06_time_to_live"));
    for exercise in exercises.all() {
        assert_eq!(exercises.find(&exercise.short_name()).unwrap().name(), exercise.name());
    }
}

#[test]
fn a_bonus_is_a_variation_and_comes_when_nothing_else_is_left() {
    let exercises = Exercises::read(&workspace()).unwrap();
    let (bonuses, others): (Vec<_>, Vec<_>) =
        exercises.all().iter().partition(|exercise| exercise.is_bonus());
    assert!(!bonuses.is_empty());
    for bonus in bonuses {
        let of = bonus.name().strip_suffix("_bonus").unwrap();
        let of = others.iter().find(|other| other.name() == of);
        let of = of.unwrap_or_else(|| panic!("{} is a variation of nothing", bonus.name()));
        assert!(!exercises.next(of, |_| false).unwrap().is_bonus());
        assert!(exercises.next(of, |other| !other.is_bonus()).unwrap().is_bonus());
    }
    assert!(exercises.next(&exercises.all()[0], |_| true).is_none());
}

#[test]
fn what_is_not_there_is_an_error_that_lists_what_is() {
    let exercises = Exercises::read(&workspace()).unwrap();
    let error = exercises.find("99").unwrap_err().to_string();
    assert!(error.contains("there is no exercise `99`") && error.contains("00_session"), "{error}");
    assert!(exercises.find("../00_session").is_err());
    assert_eq!(exercises.find("0").unwrap().name(), "00_session");
}
