//! Finds the server that a program needs.

use std::env;
use std::net::TcpStream;

use beaker::{Error, ErrorKind, Result};

/// The server that a variable names, or the one at its usual address.
pub fn url(variable: &str, usual: &str) -> Result<String> {
    if let Ok(named) = env::var(variable) {
        return Ok(named);
    }
    let address = usual.split("://").last().unwrap_or(usual);
    let address = address.trim_end_matches('/');
    TcpStream::connect(address).map(|_| usual.to_owned()).map_err(|error| {
        let program = env::args().next().unwrap_or_default();
        let program = program.rsplit('/').next().unwrap_or_default();
        let number = program.split('_').next().unwrap_or_default();
        let what = format!(
            "no server answers at {address}: name yours in {variable}, or let \
             `cargo run -- run {number}` bring one"
        );
        Error::new(ErrorKind::Unavailable, what).caused_by(error)
    })
}
