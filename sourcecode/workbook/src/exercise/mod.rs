//! The exercises: a program that does not print yet what it should, and when it does, it is solved.
//!
//! An exercise is a folder of `exercises/`, named after the program that it goes on from:
//!
//! | file | what |
//! |---|---|
//! | `start.rs` | what the reader gets: it compiles, and holds `todo!()` where the work is |
//! | `solution.rs` | one that prints the right thing |
//! | `output.txt` | what that printed |
//! | `wrong_*.rs` | typical mistakes, each of which some advice is for |
//! | `advice.toml` | what to say when something is printed, or said by the compiler |
//! | `visits.txt` | what visitors of an answer that serves pages do, if not what those of its program do |
//!
//! What the compiler says of an answer, and no `advice.toml` knows, is looked up in `exercises/advice.toml`.
//!
//! Its hints are where readers see them: in the section of a page that shows it with `{{#exercise NAME ...}}`. The
//! order of the pages is that of the exercises. Several may go on from one program, whose number then means the first
//! of them. One whose name ends with `_bonus` is a harder variation, and nobody needs to solve it.

mod advice;
mod catalog;
mod check;
mod hints;
#[cfg(test)]
mod tests;

pub use advice::Advice;
pub use catalog::{Exercise, Exercises};
pub use check::{Verdict, check};
pub use hints::{Hints, page};
