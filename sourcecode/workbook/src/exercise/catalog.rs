//! The exercises that there are.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use programs::comparison::{Comparison, compare};
use programs::{Catalog, Error, ErrorKind, Program, Recording, Workspace};

use super::advice::{Advice, read};
use super::hints::place;
use crate::book::contents;
use crate::book::edition::EDITIONS;

/// One exercise.
#[derive(Debug, Clone)]
pub struct Exercise {
    name: String,
    folder: PathBuf,
    program: Program,
    /// Whether its program's number means this one.
    has_number: bool,
}

impl Exercise {
    /// Its name, such as `00_session`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program that it goes on from: an answer has the same features and servers.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What a reader types for it: the number of its program, or its name if another exercise has the number.
    pub fn short_name(&self) -> String {
        if self.has_number { self.program.number().to_string() } else { self.name.clone() }
    }

    /// Whether it is a harder variation of another one, which nobody needs to solve.
    pub fn is_bonus(&self) -> bool {
        self.name.ends_with("_bonus")
    }

    /// What visitors do, if an answer serves pages and the exercise has its own idea of that.
    pub fn walk(&self) -> Result<Option<String>> {
        let is_there = self.file("visits.txt").exists();
        is_there.then(|| self.text("visits.txt")).transpose()
    }

    /// A file of it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The text of a file of it.
    pub fn text(&self, name: &str) -> Result<String> {
        let file = self.file(name);
        fs::read_to_string(&file).with_context(|| format!("could not read `{}`", file.display()))
    }

    /// Whether this is still what the reader got.
    pub fn is_start(&self, source: &str) -> Result<bool> {
        Ok(source.trim_end() == self.text("start.rs")?.trim_end())
    }

    /// The mistakes that it knows.
    #[cfg(test)]
    pub fn wrong(&self) -> Result<Vec<String>> {
        let entries = fs::read_dir(&self.folder)
            .with_context(|| format!("could not read `{}`", self.folder.display()))?;
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            names.extend((name.starts_with("wrong_") && name.ends_with(".rs")).then_some(name));
        }
        names.sort();
        Ok(names)
    }

    /// What an answer prints, as it is compared.
    pub fn recording(&self, output: String, status: i32) -> Recording {
        let command = format!("cargo run -- exercise check {}", self.short_name());
        Recording { command, output, status }
    }

    /// What an answer should print, beside what it printed.
    pub fn compare(&self, printed: &Recording) -> Result<Comparison> {
        Ok(compare(&self.text("output.txt")?, &printed.to_string()))
    }

    /// What there is to say about what was printed, or said by the compiler.
    pub fn advice(&self, said: &str) -> Result<Vec<Advice>> {
        let mut all = read(&self.text("advice.toml")?)
            .with_context(|| format!("`{}` is wrong", self.file("advice.toml").display()))?;
        all.retain(|advice| advice.fits(said));
        Ok(all)
    }

    /// What there is to say about an answer that the compiler refuses: what the exercise knows of it, or else what
    /// holds for all.
    pub fn advice_on_refusal(&self, said: &str) -> Result<Vec<Advice>> {
        let own = self.advice(said)?;
        if !own.is_empty() {
            return Ok(own);
        }
        let mut general = read(ON_REFUSALS).context("`exercises/advice.toml` is wrong")?;
        general.retain(|advice| advice.fits(said));
        Ok(general)
    }
}

/// Advice on errors of the compiler that may be met in any exercise.
const ON_REFUSALS: &str = include_str!("../../../../exercises/advice.toml");

/// All exercises, in the order of the pages that they are on.
#[derive(Debug, Clone)]
pub struct Exercises(Vec<Exercise>);

impl Exercises {
    /// Finds them in the folder `exercises/`.
    pub fn read(workspace: &Workspace) -> Result<Exercises> {
        let (folder, catalog) = (workspace.exercises(), Catalog::read(workspace)?);
        let mut all = Vec::new();
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self(all)),
            entries => entries.with_context(|| format!("could not read `{}`", folder.display()))?,
        };
        for entry in entries {
            let folder = entry?.path();
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let number = name.split_once('_').and_then(|(number, _)| number.parse().ok());
            if let Some(number) = number.filter(|_| folder.join("start.rs").exists()) {
                let program = catalog.find(number)?.clone();
                all.push(Exercise { name, folder, program, has_number: false });
            }
        }
        let book = book(workspace)?;
        // What is on no page comes last.
        all.sort_by_key(|exercise| {
            (place(&book, &exercise.name).unwrap_or(usize::MAX), exercise.name.clone())
        });
        let mut numbers = HashSet::new();
        for exercise in &mut all {
            exercise.has_number = numbers.insert(exercise.program.number());
        }
        Ok(Exercises(all))
    }

    /// All of them.
    pub fn all(&self) -> &[Exercise] {
        &self.0
    }

    /// The first after this one that is not solved, or else the first of all. A bonus comes when nothing else is
    /// left.
    pub fn next(
        &self,
        after: &Exercise,
        is_solved: impl Fn(&Exercise) -> bool,
    ) -> Option<&Exercise> {
        let place = self.0.iter().position(|exercise| exercise.name == after.name)?;
        let (before, rest) = self.0.split_at(place + 1);
        let mut left = rest.iter().chain(before).filter(|exercise| !is_solved(exercise));
        let bonus = left.clone().next();
        left.find(|exercise| !exercise.is_bonus()).or(bonus)
    }

    /// The exercise of this name, or after the program of this number.
    pub fn find(&self, wanted: &str) -> Result<&Exercise> {
        let number = wanted.parse::<u32>().ok();
        let is_meant = |exercise: &&Exercise| {
            let is_number = number == Some(exercise.program.number()) && exercise.has_number;
            exercise.name == wanted || is_number
        };
        self.0.iter().find(is_meant).ok_or_else(|| {
            let names: Vec<&str> = self.0.iter().map(Exercise::name).collect();
            let why = format!("there is no exercise `{wanted}`; there is {}", names.join(", "));
            Error::new(ErrorKind::Usage, why).into()
        })
    }
}

/// All pages of the English edition, one after the other.
fn book(workspace: &Workspace) -> Result<String> {
    let edition = &EDITIONS[0];
    let mut book = String::new();
    for page in contents(workspace.root(), edition)? {
        let file = edition.pages(workspace.root()).join(format!("{page}.md"));
        book += &fs::read_to_string(&file)
            .with_context(|| format!("could not read `{}`", file.display()))?;
    }
    Ok(book)
}
