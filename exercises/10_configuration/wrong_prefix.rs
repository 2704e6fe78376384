//! Moves the sessions of an application to memory, by environment variables.

use std::path::Path;

use beaker::Result;
use beaker::config::Settings;

const FILE: &str = r#"
[session]
type = "file"
data_dir = "./cache"
"#;

/// The names of the variables, each with its value.
fn variables() -> Vec<(&'static str, &'static str)> {
    vec![("SESSION__TYPE", "memory"), ("SESSION__DATA_DIR", "")]
}

fn main() -> Result<()> {
    let owned = |(name, value): (&str, &str)| (name.into(), value.into());
    let variables = variables().into_iter().map(owned);
    let environment = Settings::from_env("BEAKER_", variables);
    let file = Settings::from_toml(FILE)?;
    let config = file.merged_with(environment).read()?.session;
    let mut session = config.sessions()?.create();
    session.save()?;
    println!("Sessions are in: {:?}", config.place);
    println!("Files are left behind: {}", Path::new("./cache").exists());
    Ok(())
}
