//! Compiles and runs something for a page.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use programs::process::End;
use programs::{Built, Draft, Performance, Program, Wait, visits};
use tokio::sync::mpsc::Sender;

use super::Shared;
use super::event::Event;
use super::slot::Slot;
use super::what::What;

/// Something to run for a page.
pub struct Job {
    pub shared: Arc<Shared>,
    pub what: What,
    pub source: Option<String>,
    /// Whether the source is an exercise as the reader got it.
    pub is_start: bool,
    /// Where a draft is, as its panics call it; nothing, for what is in the repository.
    pub folder: Option<String>,
    /// Closed when the page has gone, or stopped it.
    pub events: Sender<Event>,
}

impl Job {
    /// Does it, to the end or until nobody waits for it.
    pub fn run(mut self) {
        if let Err(error) = self.try_to_run() {
            let text = format!("{error:#}");
            let advice = self.what.advice(&text).into_iter().map(Into::into).collect();
            self.tell(Event::Failed { text, advice });
        }
    }

    fn try_to_run(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let (workspace, program) = (&shared.workspace, self.what.program().clone());
        let events = self.events.clone();
        let is_over = || events.is_closed() || shared.is_stopped();
        let wait = Wait::until(&is_over);
        // Kept to the end: the draft's folder goes with it, and then its place is free.
        let slot;
        let draft;
        let executable = match self.source.take() {
            Some(source) => {
                if let What::Exercise(exercise) = &self.what {
                    self.is_start = exercise.is_start(&source)?;
                }
                self.tell(Event::Building);
                slot = Slot::take(workspace)?;
                draft = Draft::locked(workspace, &slot.name(), &source, slot.lock())?;
                self.folder = Some(format!("exercises/src/bin/{}/", slot.name()));
                draft.build(program.features(), wait)?
            }
            None => match shared.ready.get(workspace, &program) {
                Some(executable) => executable,
                None => {
                    self.tell(Event::Building);
                    shared.ready.build(workspace, &program, wait)?
                }
            },
        };
        self.perform(&program, executable)
    }

    fn perform(&self, program: &Program, executable: PathBuf) -> Result<()> {
        let built = Built::from_iter([(program.name().to_owned(), executable)]);
        let limit = self.shared.limit;
        let performance = Performance::new(program, &built)?.limit(limit).walk(self.what.walk()?);
        self.tell(Event::Running { command: self.what.command() });
        if program.is_served() {
            if let What::Exercise(exercise) = &self.what {
                let printed = performance.perform()?;
                self.tell(Event::Printed { text: printed.output.clone() });
                return self.judge(exercise, End::Exited(printed.status), printed.output);
            }
            let port = visits::free_port()?;
            let process = performance.start(&[("PORT", port.to_string())])?;
            let (_, end) = self.follow(process, None, Some(port))?;
            // Only one that could not serve ends before it is stopped.
            self.tell(Event::ended(end, None, Vec::new(), Vec::new()));
            return Ok(());
        }
        let (output, end) = self.follow(performance.start(&[])?, Some(limit), None)?;
        match &self.what {
            What::Exercise(exercise) => self.judge(exercise, end, output),
            What::Program(program) => self.compare(program, end, output),
        }
    }

    /// Whether nobody waits for it any more.
    pub(super) fn is_over(&self) -> bool {
        self.events.is_closed() || self.shared.is_stopped()
    }

    pub(super) fn tell(&self, event: Event) {
        // An error says that nobody waits any more, which is looked at where it matters.
        let _ = self.events.blocking_send(event);
    }
}
