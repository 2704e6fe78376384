//! `sessions` and `cache`: look at what is in a backend, and end it.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};
use inspect::{Caches, Place, Sessions};
use programs::Workspace;

use super::sweep;
use crate::status::Status;

/// Does with sessions what was asked for.
pub fn sessions(workspace: &Workspace, command: &Sessions) -> Result<Status> {
    let (Sessions::List { place, .. }
    | Sessions::Show { place, .. }
    | Sessions::End { place, .. }
    | Sessions::Clear { place, .. }) = command;
    start(workspace, place)
}

/// Does with a cache what was asked for.
pub fn caches(workspace: &Workspace, command: &Caches) -> Result<Status> {
    let (Caches::Keys { place, .. }
    | Caches::Stats { place, .. }
    | Caches::Invalidate { place, .. }) = command;
    start(workspace, place)
}

/// Starts the program `inspect` with the words of this command, compiled with the backend that is named.
fn start(workspace: &Workspace, place: &Place) -> Result<Status> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["run", "--quiet", "--package", "inspect", "--manifest-path"]);
    cargo.arg(workspace.root().join("Cargo.toml"));
    if let Some(feature) = feature(place) {
        cargo.args(["--features", feature]);
    }
    cargo.arg("--").args(env::args_os().skip(1));
    let status = cargo.status().context("there is no `cargo` to build the program `inspect`")?;
    Ok(status.code().map_or(Status::Program, Status::Own))
}

/// What has to be compiled. A file or the environment may name any backend.
fn feature(place: &Place) -> Option<&'static str> {
    let said = |option: &str| {
        place.words.iter().rev().find_map(|word| {
            let (name, value) = word.split_once('=')?;
            (name.rsplit('.').next() == Some(option)).then_some(value)
        })
    };
    let is_over_tls = ["url", "urls", "master"]
        .iter()
        .any(|option| said(option).is_some_and(|url| url.starts_with("rediss:")));
    match said("type") {
        None => Some("all"),
        Some("ext:memcached") => Some("memcached"),
        Some("ext:redis" | "ext:rediscluster" | "ext:redissentinel") => {
            Some(if is_over_tls { "redis-tls" } else { "redis" })
        }
        Some(backend) => {
            let url: Vec<String> =
                said("url").map(|url| format!("url={url}")).into_iter().collect();
            sweep::feature(backend, &url)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &[&str], expected: Option<&str>) {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        let (config, section, namespace) = (None, String::new(), String::new());
        assert_eq!(feature(&Place { config, section, namespace, words }), expected);
    }

    #[test]
    fn what_is_compiled_for_a_back_end() {
        check(&[], Some("all"));
        check(&["type=file", "data_dir=x"], None);
        check(&["session.type=dbm"], Some("dbm"));
        check(&["type=file", "type=ext:redis", "url=redis://h"], Some("redis"));
        check(&["url=rediss://h", "type=ext:redis"], Some("redis-tls"));
        check(&["type=ext:rediscluster", "urls=rediss://a,rediss://b"], Some("redis-tls"));
        check(&["type=ext:redissentinel", "urls=a", "master=rediss://shop"], Some("redis-tls"));
        check(&["type=ext:memcached"], Some("memcached"));
        check(&["1f3a", "type=ext:database", "url=x.db"], Some("sqlite"));
        check(&["type=ext:database", "url=postgres://h/d?sslmode=require"], Some("postgres-tls"));
    }
}
