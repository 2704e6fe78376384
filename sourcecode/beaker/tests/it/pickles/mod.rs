//! Pickles that Python made are read and written back, and nothing in them runs.

mod vectors;

use beaker::pickle::Pickle;

fn read(bytes: &[u8]) -> Pickle {
    Pickle::read(bytes).unwrap_or_else(|refused| panic!("{refused}: {}", bytes.escape_ascii()))
}
