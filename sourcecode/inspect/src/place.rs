//! Where the sessions or caches are: a file of settings, the environment and words, read as a program reads
//! them.

use beaker::config::{BackendConfig, Config, Settings};
use beaker::key::{Key, Namespace};
use beaker::store::{KeyCursor, Store};
use beaker::{Error, Result};
use inspect::Place;

/// How many keys are asked for at a time.
const PAGE: usize = 1000;

/// Reads what a place says, for sessions or caches; the group is `session` or `cache`.
pub fn read(place: &Place, group: &str) -> Result<Config> {
    let file = match &place.config {
        None => Settings::default(),
        Some(path) if path.extension().is_some_and(|extension| extension == "toml") => {
            Settings::from_toml_file(path)?
        }
        Some(path) => Settings::from_ini_file(path, &place.section)?,
    };
    let words = place.words.iter().map(|word| pair(word, group)).collect::<Result<Vec<_>>>()?;
    let has_type = words.iter().any(|(name, _)| name.ends_with("type"));
    let settings = file.merged_with(Settings::from_process_env()?);
    let says_nothing = settings_are_empty(&settings) && !has_type;
    if says_nothing {
        let what = "say where they are: `type=file data_dir=./data`, with the options of the program, or \
                    `--config` with its file";
        return Err(Error::new(beaker::ErrorKind::Config, what));
    }
    settings.merged_with(Settings::from_pairs(words)).read()
}

fn settings_are_empty(settings: &Settings) -> bool {
    format!("{settings:?}").is_empty()
}

/// `name=value`; the name is one of this group, unless it says another.
fn pair(word: &str, group: &str) -> Result<(String, String)> {
    let Some((name, value)) = word.split_once('=') else {
        let what = format!("`{word}` is no option; write `name=value`, as in `type=file`");
        return Err(Error::new(beaker::ErrorKind::Config, what));
    };
    let is_whole = name.starts_with("session.") || name.starts_with("cache.");
    let name = if is_whole { name.to_owned() } else { format!("{group}.{name}") };
    Ok((name, value.to_owned()))
}

/// What ends with its process has nothing that could be looked at from here.
pub fn check(backend: &BackendConfig) -> Result<()> {
    let name = backend.name();
    if name == "memory" || name == "null" {
        let what =
            format!("the backend `{name}` ends with its process; there is nothing to look at");
        return Err(Error::new(beaker::ErrorKind::Config, what));
    }
    Ok(())
}

/// The lines of a configuration that say where something is, without their prefix. Passwords are hidden in
/// them.
pub fn described(lines: &str, prefix: &str) -> String {
    let option = |name: &&str| {
        let line = lines
            .lines()
            .find_map(|line| line.strip_prefix(prefix)?.strip_prefix(*name)?.strip_prefix(" = "))?;
        Some(format!("{name}={}", line.split("  #").next().unwrap_or(line)))
    };
    let options = ["type", "data_dir", "url", "urls", "table_name"];
    options.iter().filter_map(option).collect::<Vec<_>>().join(" ")
}

/// Goes through the keys of a namespace until there are no more, or `see` has seen enough, and returns how
/// many have names that the store cannot tell.
pub fn each_key(
    store: &dyn Store,
    namespace: &Namespace,
    mut see: impl FnMut(&[Key]) -> Result<bool>,
) -> Result<usize> {
    let (mut from, mut unnamed): (Option<KeyCursor>, usize) = (None, 0);
    loop {
        let page = store.keys(namespace, from.as_ref(), PAGE)?;
        unnamed += page.unnamed;
        let goes_on = see(&page.keys)?;
        from = page.next.filter(|_| goes_on);
        if from.is_none() {
            return Ok(unnamed);
        }
    }
}
