//! A program that is not in `examples/`: what a reader wrote.

use std::path::PathBuf;
use std::{fs, io};

use crate::build::cargo;
use crate::compile::compile;
use crate::{Error, ErrorKind, Result, Workspace};

/// The source of a program, in a folder of its own where cargo finds it.
#[derive(Debug)]
pub struct Draft {
    root: PathBuf,
    name: String,
    folder: PathBuf,
    is_kept: bool,
}

impl Draft {
    /// The folder of a draft of this name.
    pub fn folder(workspace: &Workspace, name: &str) -> PathBuf {
        workspace.exercises().join("src/bin").join(name)
    }

    /// Writes a program that is gone when this value goes. No other may have its name.
    pub fn new(workspace: &Workspace, name: &str, source: &str) -> Result<Draft> {
        let draft = Draft::at(workspace, name, false);
        draft.write(workspace, source)?;
        Ok(draft)
    }

    /// A program that is there, and stays.
    pub fn kept(workspace: &Workspace, name: &str) -> Draft {
        Draft::at(workspace, name, true)
    }

    fn at(workspace: &Workspace, name: &str, is_kept: bool) -> Draft {
        let folder = Draft::folder(workspace, name);
        Draft { root: workspace.root().to_owned(), name: name.to_owned(), folder, is_kept }
    }

    /// Its source file.
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
    pub fn build(&self, features: &[String], is_waited_for: &dyn Fn() -> bool) -> Result<PathBuf> {
        let mut command = cargo(&self.root);
        command.args(["--quiet", "--package", "exercises", "--bin", &self.name]);
        if !features.is_empty() {
            command.args(["--features", &features.join(",")]);
        }
        compile(command, &self.name, is_waited_for).map_err(|error| match error.kind() {
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

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
