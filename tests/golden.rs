//! Every program prints what is recorded of it, up to the names that differ at every run.

use std::fmt::Write;
use std::num::NonZero;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use programs::comparison::compare;
use programs::{Build, Built, Catalog, Error, Performance, Program, Recording, Workspace};

/// As long as a program takes on a busy machine; none is meant to hang.
const LIMIT: Duration = Duration::from_secs(300);

#[test]
fn programs_print_what_is_recorded() -> Result<(), Error> {
    let workspace = Workspace::at(env!("CARGO_MANIFEST_DIR"));
    let catalog = Catalog::read(&workspace)?;
    let programs: Vec<&Program> = catalog.programs().iter().collect();
    assert!(!programs.is_empty(), "examples/ holds no programs");
    // `cargo test --test golden` builds no examples, and `cargo test` none that need a feature.
    let release = !cfg!(debug_assertions);
    let built = Build::default().quiet(true).release(release).build(&workspace, &programs)?;

    let next = Mutex::new(programs.iter());
    let failures = Mutex::new(String::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                while let Some(program) = take(&next) {
                    let difference = difference(&workspace, program, &built);
                    let sign = if difference.is_none() { "✓" } else { "✗" };
                    println!("{sign} {}", program.name());
                    if let Some(difference) = difference {
                        let mut failures = failures.lock().expect("nobody panics holding it");
                        let _ = write!(failures, "\n{}: {difference}", program.name());
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("nobody panics holding it");
    assert!(failures.is_empty(), "{failures}\n`cargo run -- record` records again what changed");
    Ok(())
}

#[test]
fn every_recording_has_its_program() -> Result<(), Error> {
    let workspace = Workspace::at(env!("CARGO_MANIFEST_DIR"));
    let catalog = Catalog::read(&workspace)?;
    let programs: Vec<&str> = catalog.programs().iter().map(Program::name).collect();
    let recordings = Recording::names(&workspace)?;
    let lost: Vec<_> =
        recordings.iter().filter(|name| !programs.contains(&name.as_str())).collect();
    assert!(lost.is_empty(), "expected-output/ has outputs of programs that are gone: {lost:?}");
    Ok(())
}

fn take<'a>(programs: &Mutex<impl Iterator<Item = &'a &'a Program>>) -> Option<&'a Program> {
    programs.lock().expect("nobody panics holding it").next().copied()
}

/// What is wrong with a program's output, if anything is.
fn difference(workspace: &Workspace, program: &Program, built: &Built) -> Option<String> {
    let compared = || {
        let Some(recorded) = Recording::read(workspace, program)? else {
            return Ok(Some("nothing is recorded of it".to_owned()));
        };
        let performance = Performance::new(program, built)?.limit(LIMIT);
        if let Some(memcached) = performance.memcached() {
            println!("{}: {}", program.name(), memcached.describe());
        }
        if let Some(redis) = performance.redis() {
            println!("{}: {}", program.name(), redis.describe());
        }
        let comparison = compare(&recorded, &performance.perform()?.to_string());
        Ok((!comparison.is_same()).then(|| format!("\n{}", comparison.plain())))
    };
    compared().unwrap_or_else(|error: Error| Some(error.to_string()))
}
