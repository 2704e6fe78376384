//! Compiles and runs something for a page.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use beaker::SessionId;
use programs::process::End;
use programs::{Built, Draft, Performance, Program, Workspace, visits};
use tokio::sync::mpsc::Sender;

use super::Shared;
use super::event::Event;
use super::request::What;
use crate::exercise::Advice;

/// How long a program may take, as on the command line.
const LIMIT: Duration = Duration::from_secs(10);

/// How drafts of ours are called.
const DRAFT: &str = "page_";

/// Something to run for a page.
pub struct Job {
    pub shared: Arc<Shared>,
    pub what: What,
    pub source: Option<String>,
    /// It is what the reader made of it.
    pub is_edited: bool,
    /// What panics of a draft call its folder.
    pub folder: Option<String>,
    /// Closed when the page has gone, or stopped it.
    pub events: Sender<Event>,
}

/// Drafts that a server left behind that was killed.
pub fn remove_what_is_left(workspace: &Workspace) {
    let Ok(entries) = fs::read_dir(Draft::folder(workspace, "")) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(DRAFT) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl Job {
    /// Does it, to the end or until nobody waits for it.
    pub fn run(mut self) {
        if let Err(error) = self.try_to_run() {
            let text = format!("{error:#}");
            let advice = self.advice(&text).unwrap_or_default();
            let advice = advice.into_iter().map(Into::into).collect();
            self.tell(Event::Failed { text, advice });
        }
    }

    fn try_to_run(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let (workspace, program) = (&shared.workspace, self.program().clone());
        let events = self.events.clone();
        let is_waited_for = || !events.is_closed();
        // Kept to the end: its folder goes with it.
        let draft;
        let executable = match self.source.take() {
            Some(source) => {
                self.tell(Event::Building);
                let name = format!("{DRAFT}{}", SessionId::random());
                draft = Draft::new(workspace, &name, &source)?;
                self.is_edited = true;
                self.folder = Some(format!("exercises/src/bin/{name}/"));
                draft.build(program.features(), &is_waited_for)?
            }
            None => match shared.ready.get(workspace, &program) {
                Some(executable) => executable,
                None => {
                    self.tell(Event::Building);
                    shared.ready.build(workspace, &program, &is_waited_for)?
                }
            },
        };
        Ok(self.perform(&program, executable)?)
    }

    fn program(&self) -> &Program {
        match &self.what {
            What::Program(program) => program,
            What::Exercise(exercise) => exercise.program(),
        }
    }

    fn perform(&self, program: &Program, executable: PathBuf) -> programs::Result<()> {
        let built = Built::from_iter([(program.name().to_owned(), executable)]);
        let performance = Performance::new(program, &built)?;
        self.tell(Event::Running { command: self.command() });
        if program.is_served() {
            if let What::Exercise(exercise) = &self.what {
                let printed = performance.limit(LIMIT).perform()?;
                self.tell(Event::Printed { text: printed.output.clone() });
                self.judge(exercise, End::Exited(printed.status), printed.output);
                return Ok(());
            }
            let port = visits::free_port()?;
            let process = performance.start(&[("PORT", port.to_string())])?;
            return self.follow(process, None, Some(port)).map(|_| ());
        }
        let (output, end) = self.follow(performance.start(&[])?, Some(LIMIT), None)?;
        match &self.what {
            What::Exercise(exercise) => self.judge(exercise, end, output),
            What::Program(program) => self.compare(program, end, output),
        }
        Ok(())
    }

    fn advice(&self, said: &str) -> Option<Vec<Advice>> {
        match &self.what {
            What::Exercise(exercise) => exercise.advice(said).ok(),
            What::Program(_) => None,
        }
    }

    fn command(&self) -> String {
        match &self.what {
            What::Program(program) => program.command(),
            What::Exercise(exercise) => exercise.recording(String::new(), 0).command,
        }
    }

    pub(super) fn tell(&self, event: Event) {
        // An error says that nobody waits any more, which is looked at where it matters.
        let _ = self.events.blocking_send(event);
    }
}
