//! Builds the book again when a page, a program or an output was saved.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::watch::Sender;

use super::live::State;
use super::policy;
use crate::book::build::build_and_name;
use crate::book::edition::EDITIONS;
use crate::book::inputs;

/// An editor writes a file in several steps; this long a silence means that it is done.
const SILENCE: Duration = Duration::from_millis(100);

/// Starts watching. Dropping the watcher ends it.
pub fn start(root: &Path, state: Sender<State>) -> Result<RecommendedWatcher> {
    let (changed, changes) = channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Reading a file is an event too, and a build reads every one of them.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = changed.send(());
        }
    })
    .context("could not watch the files of the book")?;
    for path in paths(root) {
        watcher
            .watch(&path, RecursiveMode::Recursive)
            .with_context(|| format!("could not watch {}", path.display()))?;
    }
    let root = root.to_owned();
    thread::spawn(move || rebuild(&root, &changes, &state));
    Ok(watcher)
}

fn paths(root: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        EDITIONS.iter().flat_map(|edition| inputs::paths(root, edition)).collect();
    paths.sort();
    paths.dedup();
    paths.retain(|path| path.exists());
    paths
}

fn rebuild(root: &Path, changes: &Receiver<()>, state: &Sender<State>) {
    while changes.recv().is_ok() {
        loop {
            match changes.recv_timeout(SILENCE) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let next = match build_and_name(root) {
            Ok(build) => State { build, scripts: policy::scripts(root), failure: None },
            Err(error) => {
                let _ = writeln!(io::stderr(), "{error:#}");
                State { failure: Some(format!("{error:#}")), ..state.borrow().clone() }
            }
        };
        // Pages load themselves again only if the files are not what they were.
        state.send_if_modified(|old| {
            let modified = *old != next;
            *old = next;
            modified
        });
    }
}
