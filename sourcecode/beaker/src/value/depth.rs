//! How deep values may be nested. Bytes from a store could ask for a million levels, and reading
//! those would exhaust the stack, which no caller can catch.

use std::cell::Cell;

/// Lists in lists in lists, and so on, at most so often.
const DEEPEST: usize = 64;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// One level of nesting; left on drop.
pub(super) struct Level(());

impl Level {
    pub(super) fn enter() -> Result<Level, String> {
        let depth = DEPTH.get();
        if depth == DEEPEST {
            return Err(format!("values are nested more than {DEEPEST} levels deep"));
        }
        DEPTH.set(depth + 1);
        Ok(Level(()))
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
