//! Where everything is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind, Result};

/// The folder of the workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace whose top folder this is.
    pub fn at(root: impl Into<PathBuf>) -> Workspace {
        Workspace { root: root.into() }
    }

    /// The workspace that this folder is in: the nearest folder upwards that is a cargo workspace
    /// with programs.
    pub fn find(from: &Path) -> Result<Workspace> {
        let shown = from.display();
        let from = from
            .canonicalize()
            .map_err(Error::system(format!("could not look for the workbook from `{shown}`")))?;
        let found = from.ancestors().find(|folder| is_root(folder));
        found.map(Workspace::at).ok_or_else(|| {
            let message = format!(
                "`{}` is not inside the workbook: no folder upwards has a Cargo.toml with \
                 [workspace] and a folder examples/; change to the folder of the workbook first",
                from.display()
            );
            Error::new(ErrorKind::Usage, message)
        })
    }

    /// The workspace that a folder is in, or else the one at `built`, which the command was compiled in: so it
    /// works from everywhere. The error is about the folder.
    pub fn find_or(from: &Path, built: &Path) -> Result<Workspace> {
        Workspace::find(from).or_else(|error| match built.canonicalize() {
            Ok(built) if is_root(&built) => Ok(Workspace::at(built)),
            _ => Err(error),
        })
    }

    /// The top folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The programs.
    #[must_use]
    pub fn examples(&self) -> PathBuf {
        self.root.join("examples")
    }

    /// What each of them printed.
    #[must_use]
    pub fn expected_output(&self) -> PathBuf {
        self.root.join("expected-output")
    }

    /// The exercises, and where answers are compiled.
    #[must_use]
    pub fn exercises(&self) -> PathBuf {
        self.root.join("exercises")
    }

    /// What cargo knows of the workspace.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.root.join("Cargo.toml")
    }
}

fn is_root(folder: &Path) -> bool {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    folder.join("examples").is_dir() && manifest.lines().any(|line| line.trim() == "[workspace]")
}
