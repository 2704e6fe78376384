//! Pickles that Python made are read and written back, and nothing in them runs.

mod arbitrary;
mod bombs;
pub mod made;
mod refused;
pub mod same;
mod values;
mod vectors;

use beaker::pickle::Pickle;

#[track_caller]
pub fn read(bytes: &[u8]) -> Pickle {
    Pickle::read(bytes).unwrap_or_else(|refused| panic!("{refused}: {}", bytes.escape_ascii()))
}
