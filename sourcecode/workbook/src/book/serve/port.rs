//! A port on loopback.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// The port when none is asked for.
pub const DEFAULT: u16 = 3000;
/// The last port that is tried then.
const LAST: u16 = DEFAULT + 99;

/// Takes the port that was asked for, or else the first free one from [`DEFAULT`] on.
pub fn bind(asked: Option<u16>) -> Result<TcpListener> {
    let ports = asked.map_or(DEFAULT..=LAST, |port| port..=port);
    let advice = match asked {
        Some(port) => format!(
            "port {port} is taken by another program; stop that program, name another port with \
             `--port`, or leave `--port` out to get a free one"
        ),
        None => {
            format!("the ports {DEFAULT} to {LAST} are all taken; name another one with `--port`")
        }
    };
    let mut taken = io::Error::from(io::ErrorKind::AddrInUse);
    for port in ports {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => taken = error,
            other => return other.with_context(|| format!("could not listen on port {port}")),
        }
    }
    Err(taken).context(advice)
}
