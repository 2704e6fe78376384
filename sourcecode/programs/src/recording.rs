//! What a program printed, as it is kept in `expected-output/`.

use std::path::PathBuf;
use std::{fmt, fs, io};

use crate::{Error, Program, Result, Workspace};

/// The command, what it really printed, and its exit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// What a reader types.
    pub command: String,
    /// What the program printed.
    pub output: String,
    /// Its exit status.
    pub status: i32,
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$ {}\n{}", self.command, self.output)?;
        if !self.output.is_empty() && !self.output.ends_with('\n') {
            writeln!(f)?;
        }
        if self.status == 0 { Ok(()) } else { writeln!(f, "[exit status: {}]", self.status) }
    }
}

impl Recording {
    /// The file that holds the recording of this program.
    #[must_use]
    pub fn file(workspace: &Workspace, program: &Program) -> PathBuf {
        workspace.expected_output().join(format!("{}.txt", program.name()))
    }

    /// What was recorded of this program, if anything was.
    pub fn read(workspace: &Workspace, program: &Program) -> Result<Option<String>> {
        let file = Recording::file(workspace, program);
        match fs::read_to_string(&file) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let message = format!("could not read the expected output `{}`", file.display());
                Err(Error::system(message)(error))
            }
        }
    }

    /// Keeps this recording as the one of this program.
    pub fn write(&self, workspace: &Workspace, program: &Program) -> Result<()> {
        let file = Recording::file(workspace, program);
        let failed = format!("could not write the expected output `{}`", file.display());
        fs::create_dir_all(workspace.expected_output())
            .and_then(|()| fs::write(&file, self.to_string()))
            .map_err(Error::system(failed))
    }

    /// The names of all recordings, whether their programs exist or not.
    pub fn names(workspace: &Workspace) -> Result<Vec<String>> {
        let folder = workspace.expected_output();
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries,
        };
        let names: io::Result<Vec<_>> =
            entries.and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
        let names =
            names.map_err(Error::system(format!("could not read `{}`", folder.display())))?;
        let names = names.iter().filter_map(|name| name.to_str()?.strip_suffix(".txt"));
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        Ok(names)
    }
}
