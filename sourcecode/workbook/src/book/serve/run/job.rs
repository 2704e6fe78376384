//! Compiles and runs something for a page.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use beaker::SessionId;
use programs::comparison::compare;
use programs::process::{End, Event as Happened, OUTPUT_LIMIT, Process};
use programs::{Built, Draft, ErrorKind, Performance, Program, Recording, Workspace, visits};
use tokio::sync::mpsc::Sender;

use super::Shared;
use super::event::{Event, lines};
use super::request::What;
use crate::exercise::{Advice, Exercise};
use crate::reader::Reader;

/// How long a program may take, as on the command line.
const LIMIT: Duration = Duration::from_secs(10);

/// How often to look whether the page is still there.
const GLANCE: Duration = Duration::from_millis(50);

const LOCALHOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// How drafts of ours are called.
const DRAFT: &str = "page_";

/// Something to run for a page.
pub struct Job {
    pub shared: Arc<Shared>,
    pub what: What,
    pub source: Option<String>,
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
    pub fn run(&self) {
        if let Err(error) = self.try_to_run() {
            let text = format!("{error:#}");
            let advice = self.advice(&text).unwrap_or_default();
            let advice = advice.into_iter().map(Into::into).collect();
            self.tell(Event::Failed { text, advice });
        }
    }

    fn try_to_run(&self) -> Result<()> {
        let workspace = &self.shared.workspace;
        let program = self.program();
        let is_waited_for = || !self.events.is_closed();
        // Kept to the end: its folder goes with it.
        let draft;
        let executable = match &self.source {
            Some(source) => {
                self.tell(Event::Building);
                let name = format!("{DRAFT}{}", SessionId::random());
                draft = Draft::new(workspace, &name, source)?;
                draft.build(program.features(), &is_waited_for)?
            }
            None => match self.shared.ready.get(workspace, program) {
                Some(executable) => executable,
                None => {
                    self.tell(Event::Building);
                    self.shared.ready.build(workspace, program, &is_waited_for)?
                }
            },
        };
        let outcome = self.perform(program, executable);
        match outcome {
            Err(error) if error.kind() == ErrorKind::Server => Err(error.into()),
            outcome => Ok(outcome?),
        }
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

    /// Hands on what it prints, until it ends or the page has gone.
    fn follow(
        &self,
        mut process: Process,
        limit: Option<Duration>,
        mut port: Option<u16>,
    ) -> programs::Result<(String, End)> {
        let begun = Instant::now();
        let mut output = Vec::new();
        loop {
            if let Some(listens) =
                port.take_if(|port| TcpStream::connect((LOCALHOST, *port)).is_ok())
            {
                self.tell(Event::Serving { url: format!("http://localhost:{listens}/") });
            }
            let end = match process.next(Instant::now() + GLANCE)? {
                Happened::Printed(bytes) => {
                    output.extend_from_slice(&bytes);
                    self.tell(Event::Printed { text: String::from_utf8_lossy(&bytes).into() });
                    (output.len() > OUTPUT_LIMIT).then_some(End::SaidTooMuch(OUTPUT_LIMIT))
                }
                Happened::Ended(end) => Some(end),
                Happened::NothingYet if self.events.is_closed() => Some(End::Signal(15)),
                Happened::NothingYet => None,
            };
            let late = limit.filter(|limit| begun.elapsed() > *limit).map(End::TookTooLong);
            if let Some(end) = end.or(late) {
                return Ok((String::from_utf8_lossy(&output).into_owned(), end));
            }
        }
    }

    fn compare(&self, program: &Program, end: End, output: String) {
        let recorded = Recording::read(&self.shared.workspace, program).ok().flatten();
        let mut comparison = None;
        if let (End::Exited(status), Some(recorded)) = (end, recorded) {
            let printed = Recording { command: program.command(), output, status };
            comparison = Some(compare(&recorded, &printed.to_string()));
        }
        let same = comparison.as_ref().map(|comparison| comparison.is_same());
        if same == Some(true) && self.source.is_none() {
            self.note(|reader| reader.ran(program.name()));
        }
        let difference = comparison.as_ref().map(lines).unwrap_or_default();
        self.tell(ended(end, same, difference, Vec::new()));
    }

    fn judge(&self, exercise: &Exercise, end: End, output: String) {
        let status = if let End::Exited(status) = end { status } else { 1 };
        let printed = exercise.recording(output, status);
        let said = match end {
            End::Exited(_) => printed.to_string(),
            end => format!("{printed}\n{end}"),
        };
        let Ok(comparison) = exercise.compare(&printed) else { return };
        let same = comparison.is_same() && matches!(end, End::Exited(_));
        let mut advice = Vec::new();
        if same {
            self.note(|reader| reader.solved(exercise.name()));
        } else {
            advice = exercise.advice(&said).unwrap_or_default();
        }
        self.tell(ended(end, Some(same), lines(&comparison), advice));
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

    /// A program that ran has run, also if that cannot be kept.
    fn note(&self, what: impl FnOnce(&Reader) -> Result<()>) {
        let noted = Reader::open(self.shared.workspace.root()).and_then(|reader| what(&reader));
        if let Err(error) = noted {
            eprintln!("{error:#}");
        }
    }

    fn tell(&self, event: Event) {
        // An error says that nobody waits any more, which is looked at where it matters.
        let _ = self.events.blocking_send(event);
    }
}

fn ended(
    end: End,
    same: Option<bool>,
    difference: Vec<super::event::Line>,
    advice: Vec<Advice>,
) -> Event {
    let (how, status) = match end {
        End::Exited(status) => (None, Some(status)),
        end => (Some(end.to_string()), None),
    };
    Event::Ended {
        how,
        status,
        same,
        difference,
        advice: advice.into_iter().map(Into::into).collect(),
    }
}
