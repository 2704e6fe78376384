//! `exercise watch`: checks an answer whenever it is saved, and listens to keys meanwhile.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use anyhow::{Context, Result};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use programs::{Draft, Workspace};

use super::keys::Keys;
use super::{check, show as shown, start};
use crate::book::edition::Edition;
use crate::exercise::{Exercise, Exercises};
use crate::reader::Reader;
use crate::show;
use crate::status::{self, Status};

/// An editor that saves changes several files, or one several times; so long they count as one.
const TOGETHER: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Saved,
    Key(u8),
}

/// Watches one exercise after the other, until `q`.
pub fn watch(
    workspace: &Workspace,
    exercises: &Exercises,
    wanted: &str,
    edition: &Edition,
    limit: Duration,
) -> Result<Status> {
    let mut exercise = exercises.find(wanted)?;
    let (sender, events) = mpsc::channel();
    let key = sender.clone();
    let _keys = Keys::listen(move |byte| key.send(Event::Key(byte)).is_ok());
    let mut events = Events { events, waiting: VecDeque::new() };
    loop {
        start::start(workspace, exercise)?;
        let folder = Draft::folder(workspace, exercise.name());
        let _watcher = saved(&folder, sender.clone())?;
        let judge = || check::check(workspace, exercises, exercise.name(), edition, limit);
        report(judge());
        let next = loop {
            tell_keys(exercise);
            match events.next()? {
                Event::Saved => {
                    events.pass_over_saves();
                    report(judge());
                }
                Event::Key(b'h') => {
                    report(shown::hint(workspace, exercise, None, edition));
                }
                Event::Key(b'n') => match next(workspace, exercises, exercise)? {
                    Some(next) => break next,
                    None => show::note("there is no other exercise left to solve"),
                },
                Event::Key(b'q') => return Ok(Status::Fine),
                Event::Key(_) => {}
            }
        };
        exercise = next;
    }
}

fn tell_keys(exercise: &Exercise) {
    let name = exercise.name();
    show::note(&format!("watching {name}; h: the next hint, n: the next exercise, q: the end"));
}

/// What is wrong is what the reader is about to correct.
fn report(outcome: Result<Status>) {
    if let Err(error) = outcome {
        status::report(&error);
    }
}

/// The next exercise that is not solved, if that is another one.
fn next<'a>(
    workspace: &Workspace,
    exercises: &'a Exercises,
    exercise: &Exercise,
) -> Result<Option<&'a Exercise>> {
    let solved = Reader::open(workspace.root())?.done().exercises;
    let next = exercises.next(exercise, |other| solved.contains(other.name()));
    Ok(next.filter(|next| next.name() != exercise.name()))
}

/// Sends an event whenever something in a folder is written.
fn saved(folder: &Path, sender: Sender<Event>) -> Result<RecommendedWatcher> {
    let failed = || format!("could not watch `{}` for changes", folder.display());
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
            // Nobody listens any more only when the command ends.
            let _ = sender.send(Event::Saved);
        }
    })
    .with_context(failed)?;
    // The folder, not the file: an editor may put a new file in the place of the old one.
    watcher.watch(folder, RecursiveMode::Recursive).with_context(failed)?;
    Ok(watcher)
}

/// What happens, in order, but for saves that count as one.
struct Events {
    events: Receiver<Event>,
    /// Keys that came among saves.
    waiting: VecDeque<Event>,
}

impl Events {
    fn next(&mut self) -> Result<Event> {
        match self.waiting.pop_front() {
            Some(event) => Ok(event),
            None => self.events.recv().context("the watcher for changes stopped"),
        }
    }

    fn pass_over_saves(&mut self) {
        while let Ok(event) = self.events.recv_timeout(TOGETHER) {
            self.waiting.extend(Some(event).filter(|event| *event != Event::Saved));
        }
    }
}
