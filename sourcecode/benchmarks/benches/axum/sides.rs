//! What is measured beside what.

use std::env;
use std::io::{self, Result};
use std::path::Path;
use std::process::Command;

use benchmarks::Served;

/// The name of our own side.
pub const OURS: &str = "beaker";

/// The servers of one table.
pub struct Measure {
    pub title: &'static str,
    pub sides: Vec<Side>,
    /// How many connections there are at a time.
    pub connections: &'static [usize],
    /// Where the server of the sessions listens; 0 if there is none.
    pub port: u16,
    pub limits: &'static [Limit],
}

/// What ours must reach.
pub struct Limit {
    pub page: &'static str,
    /// The name of the other side.
    pub beside: &'static str,
    /// Requests a second, as so many times the other side's.
    pub at_least: f64,
    /// Whether the p99 may be no worse.
    pub p99_too: bool,
}

/// One server.
pub struct Side {
    pub name: &'static str,
    /// Whether it is a program of its own, and not this one.
    is_peer: bool,
    arguments: Vec<String>,
    /// The number of the side that is the same page without sessions.
    pub bare: Option<usize>,
    /// Whether its sessions count.
    pub counts: bool,
}

impl Side {
    fn own(name: &'static str, pages: &str, url: &str) -> Side {
        let arguments = vec![pages.to_owned(), url.to_owned()];
        Side { name, is_peer: false, arguments, bare: None, counts: true }
    }

    fn peer(name: &'static str, pages: &str, url: &str) -> Side {
        Side { is_peer: true, ..Side::own(name, pages, url) }
    }

    fn of_bare(self, bare: usize) -> Side {
        Side { bare: Some(bare), ..self }
    }

    fn without_sessions(self) -> Side {
        Side { counts: false, ..self }
    }

    pub fn start(&self) -> Result<Served> {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        if self.is_peer {
            return Served::start(&peers(), &arguments, &[]);
        }
        let own = env::current_exe()?.to_string_lossy().into_owned();
        Served::start(&own, &[], &[(super::pages::SERVES, &arguments.join(" "))])
    }
}

pub fn memory() -> Measure {
    let sides = vec![
        Side::own("bare", "bare", "").without_sessions(),
        Side::own(OURS, "memory", "").of_bare(0),
        Side::peer("tower-sessions", "memory", "").of_bare(0),
        Side::peer("bare actix-web", "actix bare", "").without_sessions(),
        Side::peer("actix-session", "actix sessions", "").of_bare(3),
    ];
    let limits = &[
        Limit { page: "/read", beside: "bare", at_least: 0.88, p99_too: false },
        Limit { page: "/write", beside: "bare", at_least: 0.88, p99_too: false },
    ];
    Measure { title: "memory", sides, connections: &[16], port: 0, limits }
}

pub fn redis(url: &str) -> Measure {
    let sides = vec![
        Side::own("one connection", "redis-bare", url).of_bare(0),
        Side::own(OURS, "redis", url).of_bare(0),
        Side::peer("tower-sessions + fred", "redis", url).of_bare(0),
    ];
    let limits = &[
        Limit { page: "/read", beside: "tower-sessions + fred", at_least: 1.2, p99_too: true },
        Limit { page: "/read", beside: "one connection", at_least: 0.85, p99_too: false },
        Limit { page: "/write", beside: "tower-sessions + fred", at_least: 1.3, p99_too: false },
        Limit { page: "/write", beside: "one connection", at_least: 0.85, p99_too: false },
    ];
    Measure { title: "redis", sides, connections: &[64, 256, 1000], port: port(url), limits }
}

pub fn postgres(url: &str) -> Measure {
    let sides = vec![
        Side::own(OURS, "postgres", url),
        Side::peer("tower-sessions + sqlx", "postgres", url),
    ];
    let limits = &[
        Limit { page: "/read", beside: "tower-sessions + sqlx", at_least: 1.0, p99_too: false },
        Limit { page: "/write", beside: "tower-sessions + sqlx", at_least: 1.0, p99_too: false },
    ];
    Measure { title: "PostgreSQL", sides, connections: &[64, 256, 1000], port: port(url), limits }
}

/// The port in `redis://127.0.0.1:6379/` or `postgres://user@127.0.0.1:5432/name`.
fn port(url: &str) -> u16 {
    let host = url.split("://").last().and_then(|rest| rest.split('/').next());
    let port = host.and_then(|host| host.rsplit(':').next());
    port.and_then(|port| port.parse().ok()).unwrap_or(0)
}

/// Where the workspace's own files are built, under another name.
fn peers_target() -> String {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    workspace.join("target/peers").to_string_lossy().into_owned()
}

fn peers() -> String {
    format!("{}/release/peers", peers_target())
}

/// Builds the servers of others, in the profile `release`.
pub fn build_peers() -> Result<()> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/Cargo.toml");
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--locked", "--quiet", "--target-dir"]).arg(peers_target());
    let done = build.arg("--manifest-path").arg(manifest).status()?;
    if done.success() { Ok(()) } else { Err(io::Error::other("the peers could not be built")) }
}
