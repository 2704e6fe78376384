//! Which programs are compiled: so that one that is starts at once, with no question to cargo.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use std::{fs, io};

use programs::{Program, Result, Wait, Workspace, build_for};

/// What was compiled, and from what.
#[derive(Debug, Default)]
pub struct Ready(Mutex<HashMap<String, (PathBuf, State)>>);

/// The newest change of any source, and how many there are.
type State = (Option<SystemTime>, usize);

impl Ready {
    /// The executable, if nothing has changed since it was compiled.
    pub fn get(&self, workspace: &Workspace, program: &Program) -> Option<PathBuf> {
        let state = state(workspace);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (executable, built) = known.get(program.name())?;
        (*built == state && executable.exists()).then(|| executable.clone())
    }

    /// Compiles it.
    pub fn build(
        &self,
        workspace: &Workspace,
        program: &Program,
        wait: Wait<'_>,
    ) -> Result<PathBuf> {
        // Before it is compiled: what changes meanwhile is found the next time.
        let state = state(workspace);
        let executable = build_for(workspace, program, wait)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(program.name().to_owned(), (executable.clone(), state));
        Ok(executable)
    }
}

fn state(workspace: &Workspace) -> State {
    let mut state = (None, 0);
    let root = workspace.root();
    for path in ["examples", "sourcecode", "Cargo.lock", "Cargo.toml"] {
        // What cannot be read, cargo will complain about.
        let _ = add(&root.join(path), &mut state);
    }
    state
}

fn add(path: &Path, state: &mut State) -> io::Result<()> {
    if path.is_dir() {
        return fs::read_dir(path)?.try_for_each(|entry| add(&entry?.path(), state));
    }
    state.0 = state.0.max(path.metadata()?.modified().ok());
    state.1 += 1;
    Ok(())
}
