//! How deep values may be nested. Bytes from a store could ask for a million levels, and reading
//! those would exhaust the stack, which no caller can catch.

use std::cell::Cell;
use std::fmt;

use super::Value;

/// Lists in lists in lists, and so on, at most so often.
const DEEPEST: usize = 64;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// One level of nesting; left on drop.
pub(super) struct Level(());

/// There are no more levels.
#[derive(Debug)]
pub(crate) struct TooDeep;

impl Level {
    pub(super) fn enter() -> Result<Level, TooDeep> {
        let depth = DEPTH.get();
        if depth == DEEPEST {
            return Err(TooDeep);
        }
        DEPTH.set(depth + 1);
        Ok(Level(()))
    }

    /// A level for what is in this value; none is needed if there is nothing.
    pub(super) fn of(value: &Value) -> Result<Option<Level>, TooDeep> {
        if value.holds_any() { Level::enter().map(Some) } else { Ok(None) }
    }
}

impl fmt::Display for TooDeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "values are nested more than {DEEPEST} levels deep")
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
