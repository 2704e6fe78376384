//! A store that is not switched on costs no dependency.

use std::collections::BTreeSet;
use std::process::Command;

/// The crates that the library is built from, with these features.
fn crates(features: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "beaker-web", "--edges", "normal", "--prefix", "none"])
        .args(["--offline", "--format", "{p}", "--features", features])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn a_store_that_is_not_switched_on_costs_nothing() {
    let clients = [
        ("memcached", "memcache"),
        ("redis", "redis"),
        ("redis-async", "backon"),
        ("sqlite", "rusqlite"),
        ("postgres", "tokio-postgres"),
        ("deadpool-postgres", "deadpool-postgres"),
        ("redis-tls", "rustls"),
        ("postgres-tls", "tokio-postgres-rustls"),
        ("dbm", "redb"),
        ("middleware", "http"),
        ("server", "tiny_http"),
        ("cookies", "aes-gcm"),
        ("toml", "toml"),
        ("ini", "rust-ini"),
        ("tower", "tower-service"),
        ("axum", "axum-core"),
        ("macros", "beaker-web-macros"),
        ("metrics", "metrics"),
    ];
    let brings = |feature, other| match feature {
        "redis-async" | "redis-tls" => other == "redis",
        "deadpool-postgres" => other == "postgres",
        "postgres-tls" => ["postgres", "redis-tls"].contains(&other),
        "server" | "tower" => other == "middleware",
        "axum" => ["middleware", "tower"].contains(&other),
        _ => false,
    };
    let none = crates("");
    for (feature, _) in clients {
        let with = crates(feature);
        for (other, client) in clients {
            let wanted = feature == other || brings(feature, other);
            assert_eq!(with.contains(client), wanted, "{client} with the feature `{feature}`");
        }
        assert!(none.is_subset(&with));
        println!("{feature}: {} crates, {} without it", with.len(), none.len());
    }
    assert!(clients.iter().all(|(_, client)| !none.contains(*client)), "{none:?}");
}
