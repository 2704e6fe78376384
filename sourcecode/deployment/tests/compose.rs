//! The file of docker compose: it can be read, it names only what there is, and the shop takes its settings.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use beaker::config::Settings;
use saphyr::{LoadableYamlNode, Yaml};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/23_shop").canonicalize().unwrap()
}

fn read(file: &str) -> String {
    fs::read_to_string(folder().join(file)).unwrap()
}

/// The texts below a place, in a map or a list.
fn texts(yaml: &Yaml<'_>) -> Vec<String> {
    if let Some(all) = yaml.as_sequence() {
        return all.iter().flat_map(texts).collect();
    }
    if let Some(all) = yaml.as_mapping() {
        return all.iter().flat_map(|(_, value)| texts(value)).collect();
    }
    yaml.as_str().map(str::to_owned).into_iter().collect()
}

fn keys(yaml: &Yaml<'_>) -> BTreeSet<String> {
    let all = yaml.as_mapping().into_iter().flat_map(|all| all.iter());
    all.filter_map(|(key, _)| key.as_str().map(str::to_owned)).collect()
}

/// A text with a value for each variable, and their names.
fn filled(text: &str) -> (String, BTreeSet<String>) {
    let (mut whole, mut names) = (String::new(), BTreeSet::new());
    let mut parts = text.split("${");
    whole.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (variable, after) = part.split_once('}').expect("a variable ends");
        let name = variable.split(':').next().unwrap();
        names.insert(name.to_owned());
        whole.push_str("0123456789abcdef0123456789abcdef");
        whole.push_str(after);
    }
    (whole, names)
}

#[test]
fn it_names_only_what_there_is() {
    let text = read("compose.yaml");
    let documents = Yaml::load_from_str(&text).unwrap();
    let compose = &documents[0];
    let services = &compose["services"];
    let (names, volumes) = (keys(services), keys(&compose["volumes"]));
    let mut variables = BTreeSet::new();
    for name in &names {
        let service = &services[name.as_str()];
        for text in texts(service) {
            variables.extend(filled(&text).1);
        }
        if let Some(waits) = service.as_mapping_get("depends_on") {
            let waits: BTreeSet<String> = texts(waits).into_iter().collect();
            assert!(waits.is_subset(&names), "{name} depends on {waits:?}");
        }
        for volume in service.as_mapping_get("volumes").map(texts).unwrap_or_default() {
            let place = filled(&volume).0;
            let from = place.split(':').next().unwrap();
            let is_file = from.starts_with("./") && folder().join(from).is_file();
            let is_given = volume.starts_with("${");
            assert!(is_file || is_given || volumes.contains(from), "{name}: {volume}");
        }
    }
    // The comment says what it wants from the environment.
    let comment: String = text.lines().take_while(|line| line.starts_with('#')).collect();
    for name in &variables {
        assert!(comment.contains(name.as_str()), "{name} is not in `{comment}`");
    }
    // nginx sends visitors to services that there are.
    let servers = read("nginx.conf");
    let upstream =
        servers.lines().filter_map(|line| line.trim().strip_prefix("server ")?.split_once(':'));
    let upstream: Vec<&str> = upstream.map(|(host, _)| host).collect();
    assert!(
        !upstream.is_empty() && upstream.iter().all(|host| names.contains(*host)),
        "{upstream:?}"
    );
}

#[test]
fn the_shop_takes_its_settings() {
    let text = read("compose.yaml");
    let documents = Yaml::load_from_str(&text).unwrap();
    let services = &documents[0]["services"];
    let environment = services["shop-1"]["environment"].as_mapping().unwrap();
    let pairs = environment.iter().map(|(name, value)| {
        (name.as_str().unwrap().to_owned(), filled(value.as_str().unwrap()).0)
    });
    let pairs: Vec<(String, String)> = pairs.collect();
    let settings = Settings::from_toml(&read("production.toml")).unwrap();
    let config = settings.merged_with(Settings::from_env("BEAKER_", pairs.clone())).read();
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    assert!(config.session.secret.is_some(), "{config}");
    // Whatever else is set, the shop reads.
    let source = read("settings.rs");
    let docker = read("Dockerfile");
    for (name, value) in &pairs {
        assert!(name.starts_with("BEAKER_") || source.contains(&format!("\"{name}\"")), "{name}");
        for host in value.split(['@', '/', ':']).filter(|part| ["redis", "postgres"].contains(part))
        {
            assert!(keys(services).contains(host), "{name} names {host}");
        }
    }
    for name in docker.split_whitespace().filter_map(|word| word.split_once('=')) {
        let (name, _) = name;
        let is_read = source.contains(&format!("\"{name}\""));
        assert!(name.starts_with("--") || is_read, "{name} of the Dockerfile");
    }
}
