//! Compiles the programs, all with one call of cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::process::{Group, Limits};
use crate::{Error, ErrorKind, Program, Result, Workspace};

/// Where the compiled programs are.
#[derive(Debug, Clone, Default)]
pub struct Built {
    executables: BTreeMap<String, PathBuf>,
}

impl FromIterator<(String, PathBuf)> for Built {
    fn from_iter<I: IntoIterator<Item = (String, PathBuf)>>(executables: I) -> Built {
        Built { executables: executables.into_iter().collect() }
    }
}

impl Built {
    /// The executable of a program.
    pub fn executable(&self, program: &Program) -> Result<&Path> {
        self.executables.get(program.name()).map(PathBuf::as_path).ok_or_else(|| {
            let message = format!("cargo did not build the program `{}`", program.name());
            Error::new(ErrorKind::Build, message)
        })
    }
}

/// Compiles these programs as [`Build`] does by default.
pub fn build(workspace: &Workspace, programs: &[&Program]) -> Result<Built> {
    Build::default().build(workspace, programs)
}

/// How programs are compiled.
#[derive(Debug, Clone, Default)]
pub struct Build {
    quiet: bool,
    release: bool,
}

impl Build {
    /// Says nothing but warnings and errors. By default cargo's progress is shown too.
    #[must_use]
    pub fn quiet(mut self, quiet: bool) -> Build {
        self.quiet = quiet;
        self
    }

    /// Optimises, as `cargo run --release` does.
    #[must_use]
    pub fn release(mut self, release: bool) -> Build {
        self.release = release;
        self
    }

    /// Compiles these programs. What the compiler has to say goes to the standard error as it is.
    pub fn build(&self, workspace: &Workspace, programs: &[&Program]) -> Result<Built> {
        if programs.is_empty() {
            return Ok(Built::default());
        }
        let mut command = self.command(workspace, programs);
        let failed = || Error::system("could not start cargo");
        // Cargo ends with us, and with cargo what it started, should we be killed.
        let _group = {
            let group = Group::start::<&str>([]).map_err(failed())?;
            group.adopt(&mut command);
            group
        };
        let mut child = command.spawn().map_err(failed())?;
        let stdout = child.stdout.take().map(BufReader::new);
        let mut built = Built::default();
        for line in stdout.into_iter().flat_map(BufReader::lines) {
            // Lines that cannot be read end with the exit status below.
            let line = line.unwrap_or_default();
            built.executables.extend(executable(&line));
        }
        let status = child.wait().map_err(Error::system("could not wait for cargo"))?;
        if status.success() {
            return Ok(built);
        }
        if is_no_cargo(status) {
            return Err(no_cargo());
        }
        let names: Vec<&str> = programs.iter().map(|program| program.name()).collect();
        let message = format!("could not compile {}: see cargo's errors above", names.join(", "));
        Err(Error::new(ErrorKind::Build, message))
    }

    pub(crate) fn command(&self, workspace: &Workspace, programs: &[&Program]) -> Command {
        let mut command = cargo(workspace.root());
        command.args(self.quiet.then_some("--quiet"));
        command.args(self.release.then_some("--release"));
        for program in programs {
            command.args(["--example", program.name()]);
        }
        let features: BTreeSet<&str> =
            programs.iter().flat_map(|program| program.features()).map(String::as_str).collect();
        if !features.is_empty() {
            command.arg("--features").arg(Vec::from_iter(features).join(","));
        }
        command
    }
}

/// Under cargo, this is the very cargo that was called.
fn name_of_cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// `cargo build` that says what it has built.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Limits::COMPILER.command(name_of_cargo());
    command.current_dir(root).stdin(Stdio::null()).stdout(Stdio::piped());
    command.args(["build", "--message-format", "json-render-diagnostics"]);
    command
}

/// The name and the file of a program that cargo says it has built.
pub(crate) fn executable(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let target = message.get("target")?;
    let is_program =
        target.get("kind")?.as_array()?.iter().any(|kind| kind == "example" || kind == "bin");
    let name = target.get("name")?.as_str().filter(|_| is_program)?;
    Some((name.to_owned(), PathBuf::from(message.get("executable")?.as_str()?)))
}

/// Whether the shell says that there is no such command, or that it cannot be started.
pub(crate) fn is_no_cargo(status: ExitStatus) -> bool {
    matches!(status.code(), Some(126 | 127))
}

pub(crate) fn no_cargo() -> Error {
    let cargo = name_of_cargo();
    let cargo = cargo.to_string_lossy();
    let what =
        format!("there is no `{cargo}` to build the programs: install Rust from https://rustup.rs");
    Error::new(ErrorKind::Build, what)
}
