//! `sweep`: removes what has expired from a backend.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};
use programs::Workspace;

use crate::status::Status;

/// Starts the program `sweep`, compiled with the backend that is named.
pub fn sweep(workspace: &Workspace, backend: &str, options: &[String]) -> Result<Status> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["run", "--quiet", "--package", "sweep", "--manifest-path"]);
    cargo.arg(workspace.root().join("Cargo.toml"));
    if let Some(feature) = feature(backend, options) {
        cargo.args(["--features", feature]);
    }
    cargo.arg("--").arg(backend).args(options);
    let status = cargo.status().context("there is no `cargo` to build the program `sweep`")?;
    Ok(status.code().map_or(Status::Program, Status::Own))
}

/// What has to be compiled for a backend. One without a feature says itself what is wrong with it.
pub(super) fn feature(backend: &str, options: &[String]) -> Option<&'static str> {
    let url = options.iter().rev().find_map(|option| option.strip_prefix("url="));
    match (backend, url.unwrap_or_default()) {
        ("dbm", _) => Some("dbm"),
        ("ext:database", url) if url.starts_with("postgres") => {
            Some(if url.contains("sslmode=") { "postgres-tls" } else { "postgres" })
        }
        ("ext:database", _) => Some("sqlite"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_for_a_backend() {
        let wanted = |backend, options: &[&str]| {
            let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
            feature(backend, &options)
        };
        assert_eq!(wanted("file", &["data_dir=x"]), None);
        assert_eq!(wanted("dbm", &["data_dir=x"]), Some("dbm"));
        assert_eq!(wanted("ext:database", &["url=sqlite:///x.db"]), Some("sqlite"));
        assert_eq!(wanted("ext:database", &["table_name=t", "url=postgres://h"]), Some("postgres"));
        let tls = "url=postgres://h/d?sslmode=verify-full";
        assert_eq!(wanted("ext:database", &[tls]), Some("postgres-tls"));
    }
}
