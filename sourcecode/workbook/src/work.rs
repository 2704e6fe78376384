//! Performs programs side by side.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use programs::{Build, Catalog, Performance, Program, Recording, Workspace};

use crate::progress_bar::ProgressBar;
use crate::show;

/// So many programs run at the same time: most of them wait, for a disk, a server or a lock.
const SIDE_BY_SIDE: usize = 4;

/// The programs that are meant: one, or all.
pub fn chosen(catalog: &Catalog, number: Option<u32>) -> Result<Vec<&Program>> {
    match number {
        Some(number) => Ok(vec![catalog.find(number)?]),
        // Asking for one is how to hear that there is none.
        None if catalog.programs().is_empty() => Ok(vec![catalog.find(0)?]),
        None => Ok(catalog.programs().iter().collect()),
    }
}

/// Builds programs. On a terminal cargo shows how far it is.
pub fn build(workspace: &Workspace, programs: &[&Program]) -> Result<programs::Built> {
    Ok(Build::default().quiet(!show::is_watched()).build(workspace, programs)?)
}

/// Builds and performs programs. Each outcome is handed to `done` as soon as those of all programs
/// before it have been.
pub fn perform(
    workspace: &Workspace,
    programs: &[&Program],
    limit: Duration,
    mut done: impl FnMut(&Program, programs::Result<Recording>) -> Result<()>,
) -> Result<()> {
    let built = build(workspace, programs)?;
    let next = Mutex::new(programs.iter().copied().enumerate());
    let (sender, outcomes) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            let (sender, next, built) = (sender.clone(), &next, &built);
            scope.spawn(move || {
                // The iterator is whole after each call, whoever panicked.
                let take = || next.lock().unwrap_or_else(PoisonError::into_inner).next();
                while let Some((index, program)) = take() {
                    if sender.send((index, perform_one(program, built, limit))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut progress = ProgressBar::new(programs.len(), "programs");
        let mut waiting: Vec<_> = programs.iter().map(|_| None).collect();
        let mut given = 0;
        loop {
            match outcomes.recv_timeout(Duration::from_millis(100)) {
                Ok((index, outcome)) => {
                    waiting[index] = Some(outcome);
                    progress.advance();
                }
                Err(RecvTimeoutError::Timeout) => progress.tick(),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            while let Some(outcome) = waiting.get_mut(given).and_then(Option::take) {
                progress.pause(|| done(programs[given], outcome))?;
                given += 1;
            }
        }
    })
}

fn perform_one(
    program: &Program,
    built: &programs::Built,
    limit: Duration,
) -> programs::Result<Recording> {
    let performance = Performance::new(program, built)?.limit(limit);
    tell_of_stand_in(&performance);
    performance.perform()
}

/// A user should know when a program does not talk to the real thing.
pub fn tell_of_stand_in(performance: &Performance<'_>) {
    if let Some(memcached) = performance.memcached().filter(|memcached| memcached.stands_in()) {
        show::note(&memcached.describe());
    }
    if let Some(redis) = performance.redis().filter(|redis| redis.stands_in()) {
        show::note(&redis.describe());
    }
}
