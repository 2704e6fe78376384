//! `run --watch`: one program, again and again.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use programs::process::{End, Event};
use programs::{Catalog, Performance, Program, Workspace};

use super::run;
use crate::show;
use crate::status::{self, Status};
use crate::work;

/// An editor that saves changes several files, or one several times; so long they count as one.
const TOGETHER: Duration = Duration::from_millis(200);

/// How often to look for changes while a program runs.
const GLANCE: Duration = Duration::from_millis(100);

pub fn watch(workspace: &Workspace, number: u32, limit: Duration) -> Result<Status> {
    let catalog = Catalog::read(workspace)?;
    let program = catalog.find(number)?;
    let (_watcher, changes) = start(workspace, program)?;
    loop {
        // An error in the source is what a watching user is about to correct.
        let changed = run_once(workspace, program, limit, &changes).unwrap_or_else(|error| {
            status::report(&error);
            false
        });
        if !changed {
            show::note("waiting for a change; Ctrl-C ends this");
            changes.recv().context("the watcher for changes stopped")?;
        }
        while changes.recv_timeout(TOGETHER).is_ok() {}
        show::note(&format!("--- {}", program.name()));
    }
}

/// Until the program has ended, or something changed, which it tells.
fn run_once(
    workspace: &Workspace,
    program: &Program,
    limit: Duration,
    changes: &Receiver<()>,
) -> Result<bool> {
    let built = work::build(workspace, &[program])?;
    let performance = Performance::new(program, &built)?;
    work::tell_of_stand_in(&performance);
    let mut process = performance.start(&[])?;
    let begun = Instant::now();
    loop {
        match process.next(Instant::now() + GLANCE)? {
            Event::Printed(bytes) => run::show(&bytes),
            Event::Ended(end) => {
                show::note(&format!("{} {end}", program.name()));
                return Ok(false);
            }
            Event::NothingYet => {}
        }
        if changes.try_recv().is_ok() {
            return Ok(true);
        }
        if !program.is_served() && begun.elapsed() > limit {
            End::TookTooLong(limit).status(program.name())?;
        }
    }
}

fn start(workspace: &Workspace, program: &Program) -> Result<(RecommendedWatcher, Receiver<()>)> {
    let (sender, changes) = mpsc::channel();
    let examples = workspace.examples();
    let library = workspace.root().join("sourcecode/beaker/src");
    // The program, what all programs share, and the library.
    let matters = [program.source().to_owned(), examples.join("common"), library.clone()];
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        let is_ours = |path: &PathBuf| matters.iter().any(|matters| path.starts_with(matters));
        if !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(is_ours) {
            // Nobody listens any more only when the command ends.
            let _ = sender.send(());
        }
    })
    .context("could not watch for changes")?;
    // The folder, not the file: an editor may put a new file in the place of the old one.
    for folder in [examples, library].into_iter().filter(|folder| folder.exists()) {
        watcher
            .watch(&folder, RecursiveMode::Recursive)
            .with_context(|| format!("could not watch `{}` for changes", folder.display()))?;
    }
    Ok((watcher, changes))
}
