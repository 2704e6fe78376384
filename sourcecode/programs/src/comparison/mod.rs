//! Compares two outputs up to renaming.
//!
//! Session ids, times, and what is derived from them differ at every run. So each output is made
//! canonical first: an id becomes the number of its first appearance, a time its rank among the
//! times of that output, a name that is derived from an id is derived again. What was the same is
//! still the same then, what was later is still later, and two canonical outputs are compared to
//! the letter.
//!
//! In reading order: [`scan`](self) finds ids, times and the like in a line; `tree` the names that
//! are derived from an id; `dump` the bytes of a file, and `stored` what they mean; `canonical`
//! puts it together; `difference` compares; `render` shows.

mod canonical;
mod difference;
mod dump;
mod piece;
mod render;
mod scan;
mod stored;
mod tree;

pub use difference::{Comparison, Kind, Line, Mark, Span};

/// Compares a recorded output with another of the same program.
#[must_use]
pub fn compare(recorded: &str, actual: &str) -> Comparison {
    difference::between(&canonical::canonical(recorded), &canonical::canonical(actual))
}
