//! Compiles each line of Rust that the book quotes in its text. Of what is compiled, only tests are run.
//!
//! The build script finds the quotes of each page: its blocks of Rust, and the pieces of its lines that call or
//! declare something. A quote is compiled with the names of `src/usual.rs` around it. Where it needs more,
//! `pages/PAGE.rs` says what, with the quote's first line between `«` and `»` in its place. `«exercises/NAME»`
//! stands for all that the solution of this exercise declares. A block whose paragraphs are parts of a solution
//! is compiled there, and `book/not-compiled.txt` lists what is not Rust after all.
//!
//! `cargo test --test quotes` reports what cannot be compiled, by page and line.

#![allow(unused, clippy::all)]

mod usual;

include!(concat!(env!("OUT_DIR"), "/quotes.rs"));

/// The build script, for its tests.
#[cfg(test)]
#[path = "../build/main.rs"]
mod quoted;
