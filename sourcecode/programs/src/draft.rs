//! A program that is not in `examples/`: what a reader wrote.

use std::fs::File;
use std::path::PathBuf;
use std::{fs, io};

use crate::build::cargo;
use crate::compile::{Wait, compile};
use crate::process::Group;
use crate::{Error, ErrorKind, Result, Workspace};

/// The source of a program, in a folder of its own where cargo finds it.
#[derive(Debug)]
pub struct Draft {
    root: PathBuf,
    name: String,
    folder: PathBuf,
    /// Removes the folder when this value goes, or our process; nothing, if the draft stays.
    _guard: Option<Group>,
}

impl Draft {
    /// The folder of a draft of this name.
    #[must_use]
    pub fn folder(workspace: &Workspace, name: &str) -> PathBuf {
        workspace.exercises().join("src/bin").join(name)
    }

    /// Writes a program that is gone when this value goes, or our process, be it killed. No other may
    /// have its name.
    pub fn new(workspace: &Workspace, name: &str, source: &str) -> Result<Draft> {
        let folder = Draft::folder(workspace, name);
        Draft::guarded(workspace, name, source, Group::start([&folder]))
    }

    /// As [`new`](Draft::new); the file that is a lock on the name stays open until the draft is gone.
    pub fn locked(workspace: &Workspace, name: &str, source: &str, lock: &File) -> Result<Draft> {
        let folder = Draft::folder(workspace, name);
        Draft::guarded(workspace, name, source, Group::holding(&folder, lock))
    }

    fn guarded(
        workspace: &Workspace,
        name: &str,
        source: &str,
        guard: io::Result<Group>,
    ) -> Result<Draft> {
        let failed = Error::system(format!("could not begin the draft `{name}`"));
        let draft = Draft { _guard: Some(guard.map_err(failed)?), ..Draft::kept(workspace, name) };
        draft.write(workspace, source)?;
        Ok(draft)
    }

    /// A program that is there, and stays.
    #[must_use]
    pub fn kept(workspace: &Workspace, name: &str) -> Draft {
        let folder = Draft::folder(workspace, name);
        Draft { root: workspace.root().to_owned(), name: name.to_owned(), folder, _guard: None }
    }

    /// Its source file.
    #[must_use]
    pub fn source(&self) -> PathBuf {
        self.folder.join("main.rs")
    }

    /// Writes the source, and beside it what programs share.
    pub fn write(&self, workspace: &Workspace, source: &str) -> Result<()> {
        let copy = || -> io::Result<()> {
            let common = self.folder.join("common");
            fs::create_dir_all(&common)?;
            for entry in fs::read_dir(workspace.examples().join("common"))? {
                let path = entry?.path();
                fs::copy(&path, common.join(path.file_name().unwrap_or_default()))?;
            }
            fs::write(self.source(), source)
        };
        copy().map_err(Error::system(format!("could not write `{}`", self.source().display())))
    }

    /// Compiles it with these features. What the compiler says is in the error. Gives up as soon as
    /// nobody waits for it.
    pub fn build(&self, features: &[String], wait: Wait<'_>) -> Result<PathBuf> {
        let mut command = cargo(&self.root);
        command.args(["--quiet", "--package", "exercises", "--bin", &self.name]);
        if !features.is_empty() {
            command.args(["--features", &features.join(",")]);
        }
        compile(command, &self.name, wait).map_err(|error| match error.kind() {
            ErrorKind::Build => {
                Error::new(ErrorKind::Build, self.without_folder(&error.to_string()))
            }
            _ => error,
        })
    }

    /// A reader knows nothing of the folder, and of the name that the program has there.
    fn without_folder(&self, said: &str) -> String {
        let folder = self.folder.strip_prefix(&self.root).unwrap_or(&self.folder);
        let name = format!("`exercises` (bin \"{}\")", self.name);
        said.replace(&format!("{}/", folder.display()), "").replace(&name, "the program")
    }
}
