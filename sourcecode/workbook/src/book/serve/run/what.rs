//! [`What`]: a program or an exercise, by its name.

use anyhow::{Result, ensure};
use programs::{Catalog, Program, Workspace};

use crate::exercise::{Advice, Exercise, Exercises};

/// What a name stands for.
#[derive(Debug)]
pub enum What {
    /// A numbered program.
    Program(Program),
    /// An exercise.
    Exercise(Exercise),
}

impl What {
    /// The program or the exercise of this name.
    pub fn find(workspace: &Workspace, name: &str) -> Result<Option<What>> {
        let catalog = Catalog::read(workspace)?;
        if let Some(program) = catalog.programs().iter().find(|program| program.name() == name) {
            return Ok(Some(What::Program(program.clone())));
        }
        let exercises = Exercises::read(workspace)?;
        let exercise = exercises.all().iter().find(|exercise| exercise.name() == name);
        Ok(exercise.cloned().map(What::Exercise))
    }

    /// Fails for a program that is a folder: a page has one file to edit.
    pub fn can_be_edited(&self) -> Result<()> {
        let program = self.program();
        let is_part = matches!(self, What::Program(_)) && program.is_folder();
        let name = program.name();
        ensure!(!is_part, "`{name}` has several files: edit them in `examples/{name}/`");
        Ok(())
    }

    /// The whole source, where a page shows a part.
    pub fn source(&self) -> Result<String> {
        self.can_be_edited()?;
        match self {
            What::Program(program) => Ok(std::fs::read_to_string(program.source())?),
            What::Exercise(exercise) => exercise.text("start.rs"),
        }
    }

    /// The program that runs, or that an exercise is about.
    pub fn program(&self) -> &Program {
        match self {
            What::Program(program) => program,
            What::Exercise(exercise) => exercise.program(),
        }
    }

    /// What its visitors do, if it says so beside its program.
    pub fn walk(&self) -> Result<Option<String>> {
        match self {
            What::Program(_) => Ok(None),
            What::Exercise(exercise) => Ok(exercise.walk()?),
        }
    }

    /// How a reader starts it without a page.
    pub fn command(&self) -> String {
        match self {
            What::Program(program) => program.command(),
            What::Exercise(exercise) => exercise.recording(String::new(), 0).command,
        }
    }

    /// What to say to those who got this, if it is known.
    pub fn advice(&self, said: &str) -> Vec<Advice> {
        match self {
            What::Exercise(exercise) => exercise.advice(said).unwrap_or_default(),
            What::Program(_) => Vec::new(),
        }
    }
}
