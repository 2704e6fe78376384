//! Looks for what tests need, and says `cfg(missing_…)` for what this machine does not have. It looks again
//! when a folder of `PATH` changes, so that a server which is installed later is used.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Debian has PostgreSQL, a folder a version.
const POSTGRESQL: &str = "/usr/lib/postgresql";

fn main() {
    println!("cargo::rerun-if-env-changed=PATH");
    println!("cargo::rerun-if-env-changed=BEAKER_REQUIRE_SERVERS");
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_dir()).collect();
    for folder in folders.iter().map(PathBuf::as_path).chain([Path::new(POSTGRESQL)]) {
        // A folder that is not there would count as changed each time.
        if folder.is_absolute() && folder.is_dir() {
            println!("cargo::rerun-if-changed={}", folder.display());
        }
    }
    println!("cargo::rerun-if-changed=build.rs");

    // Where servers are required, nothing is left out: a test that misses one fails.
    let required = env::var_os("BEAKER_REQUIRE_SERVERS").is_some_and(|value| value == "1");
    let has = |program: &str| folders.iter().any(|folder| folder.join(program).is_file());
    let found = [
        ("memcached", has("memcached")),
        ("redis", has("redis-server")),
        ("postgresql", has("initdb") || has_debians_postgresql()),
        ("nginx", has("nginx")),
        ("python3", has("python3")),
        ("small_disk", mounts_a_disk()),
    ];
    for (what, is_there) in found {
        println!("cargo::rustc-check-cfg=cfg(missing_{what})");
        if !is_there && !required {
            println!("cargo::rustc-cfg=missing_{what}");
        }
    }
}

fn has_debians_postgresql() -> bool {
    let Ok(versions) = Path::new(POSTGRESQL).read_dir() else { return false };
    versions.flatten().any(|version| version.path().join("bin/initdb").is_file())
}

/// Whether a process may have a small disk of its own: root, or anybody in a user namespace.
fn mounts_a_disk() -> bool {
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    ways.iter().any(|way| {
        let mut tried = Command::new("unshare");
        tried.args(*way).args(["mount", "-t", "tmpfs", "none", "/tmp"]).stderr(Stdio::null());
        tried.status().is_ok_and(|status| status.success())
    })
}
