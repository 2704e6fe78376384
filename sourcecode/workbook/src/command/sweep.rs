//! `sweep`: removes what has expired from a back end.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};
use programs::Workspace;

use crate::status::Status;

/// Starts the program `sweep`, compiled with the back end that is named.
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

/// What has to be compiled for a back end. One without a feature says itself what is wrong with it.
fn feature(backend: &str, options: &[String]) -> Option<&'static str> {
    let postgres = |option: &String| option.starts_with("url=postgres");
    match backend {
        "dbm" => Some("dbm"),
        "ext:database" if options.iter().any(postgres) => Some("postgres"),
        "ext:database" => Some("sqlite"),
        _ => None,
    }
}
