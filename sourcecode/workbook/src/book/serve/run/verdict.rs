//! Whether a program that ran for a page printed what it should.

use anyhow::Result;
use programs::comparison::compare;
use programs::process::End;
use programs::{Program, Recording};

use super::event::{Event, lines};
use super::job::Job;
use crate::exercise::Exercise;
use crate::reader::Reader;

impl Job {
    pub(super) fn compare(&self, program: &Program, end: End, output: String) -> Result<()> {
        let recorded = Recording::read(&self.shared.workspace, program)?;
        let mut comparison = None;
        if let (End::Exited(status), Some(recorded)) = (end, recorded) {
            let printed = Recording { command: program.command(), output, status };
            comparison = Some(compare(&recorded, &printed.to_string()));
        }
        let same = comparison.as_ref().map(programs::comparison::Comparison::is_same);
        if same == Some(true) && self.folder.is_none() {
            self.note(|reader| reader.ran(program.name()));
        }
        let difference = comparison.as_ref().map(lines).unwrap_or_default();
        self.tell(Event::ended(end, same, difference, Vec::new()));
        Ok(())
    }

    pub(super) fn judge(&self, exercise: &Exercise, end: End, output: String) -> Result<()> {
        if self.is_start {
            self.tell(Event::not_begun(end));
            return Ok(());
        }
        let status = if let End::Exited(status) = end { status } else { 1 };
        let printed = exercise.recording(output, status);
        let said = match end {
            End::Exited(_) => printed.to_string(),
            end => format!("{printed}\n{end}"),
        };
        let comparison = exercise.compare(&printed)?;
        let same = comparison.is_same() && matches!(end, End::Exited(_));
        let mut advice = Vec::new();
        if same {
            self.note(|reader| reader.solved(exercise.name()));
        } else {
            advice = exercise.advice(&said)?;
        }
        self.tell(Event::ended(end, Some(same), lines(&comparison), advice));
        Ok(())
    }

    /// A program that ran has run, also if that cannot be kept.
    fn note(&self, what: impl FnOnce(&Reader) -> Result<()>) {
        let noted = Reader::open(self.shared.workspace.root()).and_then(|reader| what(&reader));
        if let Err(error) = noted {
            eprintln!("{error:#}");
        }
    }
}
