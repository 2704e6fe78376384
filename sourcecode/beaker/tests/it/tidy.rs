//! Rules about the sources themselves: what depends on what, where the time is read, how long a
//! file may get.

use std::fs;
use std::path::{Path, PathBuf};

fn sources() -> Vec<(String, String)> {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { collect(&path, files) } else { files.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
        (name, code)
    };
    files.into_iter().map(read).collect()
}

/// The modules of this crate that a file uses.
fn uses(code: &str) -> Vec<&str> {
    let after = |part: &'static str| {
        move |line| -> Option<&str> { str::split_once(line, part).map(|(_, rest)| rest) }
    };
    let paths = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let paths = paths.filter_map(after("crate::"));
    paths
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap())
        .collect()
}

const STORES: &[&str] =
    &["clock", "error", "file_lock", "key", "off_thread", "pickle", "private", "store", "world"];
const LAYERS: &[&str] = &["clock", "error", "key", "layer", "sealing", "store", "world"];
const BACKENDS: &[&str] = &["error", "key", "lock", "off_thread", "store", "world"];
const LOCKS: &[&str] = &["clock", "error", "file_lock", "key", "lock", "off_thread", "store"];

#[test]
fn what_never_depends_on_what() {
    // Files under this prefix use no other modules than these.
    let rules: &[(&str, &[&str])] = &[
        ("error.rs", &[]),
        ("clock.rs", &[]),
        ("key.rs", &[]),
        ("private.rs", &[]),
        ("file_lock.rs", &["private"]),
        ("nearest.rs", &[]),
        ("world.rs", &["clock"]),
        ("metrics.rs", &["clock"]),
        ("value/", &["error", "value"]),
        ("pickle/", &["pickle", "value"]),
        ("codec.rs", &["error"]),
        ("record.rs", &["clock"]),
        ("signing.rs", &["error"]),
        ("sealing/", &["error", "signing"]),
        ("cookie.rs", &["error", "proxies"]),
        ("store/", STORES),
        ("layer/", LAYERS),
        ("lock/", LOCKS),
        ("sweeper.rs", &["error", "store"]),
        ("proxies.rs", &["error"]),
        ("backend/", BACKENDS),
        ("limit.rs", &["backend", "clock", "error", "key", "metrics", "store", "world"]),
        (
            "cache/python/",
            &[
                "backend",
                "cache",
                "clock",
                "codec",
                "error",
                "file_lock",
                "key",
                "lock",
                "off_thread",
                "pickle",
                "store",
                "value",
            ],
        ),
        (
            "cache/",
            &[
                "backend",
                "cache",
                "clock",
                "codec",
                "error",
                "key",
                "lock",
                "metrics",
                "nearest",
                "off_thread",
                "record",
                "store",
                "world",
            ],
        ),
        (
            "session/",
            &[
                "backend", "clock", "codec", "cookie", "error", "key", "lock", "metrics", "pickle",
                "proxies", "record", "sealing", "session", "signing", "store", "value", "world",
            ],
        ),
        (
            "config/",
            &[
                "backend", "cache", "codec", "config", "cookie", "error", "limit", "nearest",
                "proxies", "sealing", "session", "signing",
            ],
        ),
        (
            "middleware/",
            &[
                "cache",
                "clock",
                "codec",
                "cookie",
                "error",
                "limit",
                "middleware",
                "proxies",
                "session",
                "value",
                "world",
            ],
        ),
        ("off_thread.rs", &["error", "metrics"]),
        ("testing.rs", &["clock", "cookie"]),
        ("lib.rs", &[]),
    ];
    for (name, code) in sources() {
        let rule = rules.iter().find(|(prefix, _)| name.starts_with(prefix));
        let (_, allowed) = rule.unwrap_or_else(|| panic!("no rule says what {name} may use"));
        for used in uses(&code) {
            assert!(allowed.contains(&used), "{name} uses {used}, and may use {allowed:?}");
        }
    }
}

/// A file of sessions uses only those that stand before it here: data goes one way.
#[test]
fn sessions_are_read_from_top_to_bottom() {
    let order = [
        "id",
        "kept",
        "stored",
        "life",
        "changes",
        "turns",
        "events",
        "beaker",
        "client_side",
        "announcements",
        "local_tier",
        "options",
        "fit",
        "handle",
        "typed",
        "flash",
        "csrf",
        "lasting",
        "records",
        "load",
        "end",
        "users",
        "write",
        "save",
        "blocking",
        "asynchronous",
    ];
    are_read_from_top_to_bottom("session", &order);
}

/// Typed options know nothing of the texts that they are read from.
#[test]
fn the_configuration_is_read_from_top_to_bottom() {
    let order = [
        "words",
        "print",
        "backend",
        "session",
        "shared_cache",
        "cache",
        "limit",
        "open",
        "name",
        "settings",
        "formats",
        "reader",
        "read",
        "read_limit",
        "read_session",
    ];
    are_read_from_top_to_bottom("config", &order);
}

fn are_read_from_top_to_bottom(folder: &str, order: &[&str]) {
    let place = |part: &str| order.iter().position(|known| *known == part);
    let mut seen = vec![false; order.len()];
    for (name, code) in sources() {
        let Some(rest) = name.strip_prefix(&format!("{folder}/")).filter(|rest| *rest != "mod.rs")
        else {
            continue;
        };
        let (part, in_folder) = match rest.split_once('/') {
            Some((folder, file)) => (folder, file != "mod.rs"),
            None => (rest.trim_end_matches(".rs"), false),
        };
        let own = place(part).unwrap_or_else(|| panic!("{name} is not in the list"));
        seen[own] = true;
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for path in ["super::", &format!("crate::{folder}::")] {
                // Within a folder `super` is the folder.
                if in_folder && path == "super::" {
                    continue;
                }
                for (at, _) in line.match_indices(path) {
                    let rest = &line[at + path.len()..];
                    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                    let used = &rest[..end.unwrap_or(rest.len())];
                    if let Some(used_at) = place(used) {
                        assert!(used_at < own, "{name} uses `{used}`, which stands below it");
                    }
                }
            }
        }
    }
    assert!(seen.iter().all(|seen| *seen), "a file in the list is missing: {seen:?}");
}

#[test]
fn foreign_crates_stay_where_they_belong() {
    let rules: &[(&str, &[&str])] = &[
        ("bincode::", &["codec.rs"]),
        ("memcache::", &["store/memcached/"]),
        ("rusqlite::", &["store/database/"]),
        ("deadpool_postgres::", &["store/database/postgres/"]),
        ("tokio_postgres_rustls::", &["store/database/postgres/"]),
        ("tokio_postgres::", &["store/database/"]),
        ("tokio_rustls::", &["store/redis/server.rs"]),
        ("rustls::", &["store/tls.rs"]),
        ("redb::", &["store/dbm/"]),
        ("tracing::", &["session/events.rs", "cache/stats.rs", "middleware/log.rs"]),
        ("::metrics::", &["metrics.rs"]),
        ("aes_gcm::", &["sealing/"]),
        ("miniz_oxide::", &["session/beaker/json.rs", "layer/transforms.rs"]),
        ("toml::", &["config/formats.rs"]),
        ("ini::", &["config/formats.rs"]),
        ("strsim::", &["nearest.rs"]),
        ("http::", &["middleware/", "testing.rs"]),
        ("tiny_http::", &["middleware/server.rs"]),
        ("tower_layer::", &["middleware/tower/"]),
        ("tower_service::", &["middleware/tower/"]),
        ("pin_project_lite::", &["middleware/tower/"]),
        (
            "tokio::",
            &[
                "cache/asynchronous.rs",
                "cache/python/async_locks.rs",
                "lock/lease/asynchronous.rs",
                "lock/on_threads.rs",
                "middleware/tower/mod.rs",
                "off_thread.rs",
                "store/database/",
                "store/on_threads.rs",
                "store/redis/",
                "store/deadline.rs",
                "world.rs",
            ],
        ),
        ("axum_core::", &["middleware/tower/axum.rs"]),
        ("SystemTime::now", &["clock.rs"]),
        ("thread::sleep", &["clock.rs"]),
        // There it is tokio's, which passes as its sleeps do.
        ("Instant::now", &["clock.rs", "lock/lease/asynchronous.rs"]),
    ];
    for (name, code) in sources() {
        for (what, places) in rules {
            let used = code.lines().any(|line| {
                !line.trim_start().starts_with("//")
                    && line
                        .split(|c: char| c.is_whitespace() || "(<&".contains(c))
                        .any(|word| word.starts_with(what))
            });
            assert!(
                !used || places.iter().any(|place| name.starts_with(place)),
                "{name} uses {what}, which belongs to {places:?}"
            );
        }
    }
}

#[test]
fn no_file_grows_too_long() {
    for (name, code) in sources() {
        let lines =
            code.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
        let count = lines.count();
        assert!(
            count <= 450,
            "{name} has {count} lines of code; what in it is a concept of its own?"
        );
    }
}

/// An operation with a default would go past a layer that does not name it.
#[test]
fn what_wraps_a_store_passes_every_operation_on() {
    let sources = sources();
    let code = |wanted: &str| &sources.iter().find(|(name, _)| name == wanted).unwrap().1;
    let check = |contract: &str, file: &str, wrapping: &[&str]| {
        let own = code(file).split(&format!("pub trait {contract}:")).nth(1).unwrap();
        let own = own.split("\n}\n").next().unwrap();
        let operations: Vec<&str> = own
            .lines()
            .filter_map(|line| line.strip_prefix("    fn ")?.split(['(', '<']).next())
            .collect();
        assert!(operations.contains(&"put_many") && operations.len() >= 9, "{operations:?}");
        for wrapping in wrapping {
            let part = code(wrapping).split(&format!(" {contract} for ")).nth(1);
            let part = part.unwrap_or_else(|| panic!("{wrapping} is no {contract}"));
            let part = part.split("\n}\n").next().unwrap();
            for operation in &operations {
                let has =
                    ["(", "<"].iter().any(|it| part.contains(&format!("\n    fn {operation}{it}")));
                assert!(has, "{wrapping} does not pass `{operation}` of {contract} on");
            }
        }
    };
    let layers = ["layer/mod.rs", "layer/counting.rs"];
    check("Store", "store/mod.rs", &[&layers[..], &["store/mod.rs"]].concat());
    let others = ["store/asynchronous.rs", "store/on_threads.rs"];
    check("AsyncStore", "store/asynchronous.rs", &[&layers[..], &others].concat());
}
