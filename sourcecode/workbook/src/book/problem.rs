//! What is wrong with a page: where, what, and what to write instead.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// One mistake of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The page, relative to the workspace.
    pub page: PathBuf,
    /// The line of the page, from 1.
    pub line: usize,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.page.display(), self.line, self.message)
    }
}

/// All mistakes of an edition, so that one build reports every one of them.
#[derive(Debug)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// `Ok` when there is none.
    pub fn into_result(self) -> Result<(), Problems> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}{problem}")?;
        }
        Ok(())
    }
}

impl Error for Problems {}
