//! The numbered programs: what each needs, how it is run, and how its output is compared with the
//! recorded one. The tests and the `workbook` command share all of it.
//!
//! In reading order:
//!
//! - [`Workspace`]: where everything is
//! - [`Catalog`]: the programs that there are, found by reading `examples/`, and what each needs
//! - [`build()`]: compiles them, all with one call of cargo
//! - [`Draft`]: compiles what a reader wrote
//! - [`process`]: one running program: a folder of its own, limits, nothing left behind
//! - [`visits`]: drives a program that serves web pages, over real HTTP
//! - [`Performance`]: brings a program what it needs and returns what it printed, as a [`Recording`]
//! - [`comparison`]: compares two recordings up to renaming
//!
//! ```no_run
//! use programs::{Catalog, Performance, Workspace, build, comparison};
//!
//! let workspace = Workspace::find(".".as_ref())?;
//! let catalog = Catalog::read(&workspace)?;
//! let program = catalog.find(0)?;
//! let built = build(&workspace, &[program])?;
//! let recording = Performance::new(program, &built)?.perform()?;
//! let recorded = programs::Recording::read(&workspace, program)?.unwrap_or_default();
//! let comparison = comparison::compare(&recorded, &recording.to_string());
//! print!("{}", comparison.plain());
//! # Ok::<(), programs::Error>(())
//! ```

mod build;
mod catalog;
pub mod comparison;
mod compile;
mod draft;
mod error;
mod manifest;
mod perform;
pub mod process;
mod recording;
pub mod visits;
mod workspace;

pub use build::{Build, Built, build};
pub use catalog::{Catalog, Program};
pub use compile::{COMPILE_LIMIT, Wait, build_for};
pub use draft::Draft;
pub use error::{Error, ErrorKind, Result};
pub use perform::Performance;
pub use recording::Recording;
pub use workspace::Workspace;
