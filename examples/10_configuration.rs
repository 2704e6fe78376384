//! Reads its options from a file and the environment, and reports every error
//! in them.

mod common;

use beaker::Result;
use beaker::config::Settings;
use common::{print_session, set_drivers};

const FILE: &str = r#"
[session]
data_dir = "./cache"
timeout = 3600

[cache]
regions = ["results", "standings"]
expire = 3600
standings.expire = 60
"#;

const LAPTOP: &[(&str, &str)] = &[
    ("BEAKER_SESSION__SECRET", "8f2c1d9e4b7a60538f2c1d9e4b7a6053"),
    ("BEAKER_SESSION__SECURE", "no"),
    ("BEAKER_SESSION__TIMEOUT", "900"),
];

const HASTY: &[(&str, &str)] = &[
    ("BEAKER_SESSION__SECERT", "8f2c1d9e4b7a60538f2c1d9e4b7a6053"),
    ("BEAKER_SESSION__TIMEOUT", "1 hour"),
    ("BEAKER_SESSION__TYPE", "redis"),
    ("BEAKER_CACHE__STANDING__EXPIRE", "30"),
];

fn main() -> Result<()> {
    let file = Settings::from_toml(FILE)?; // (1)
    let config = file.clone().merged_with(environment(LAPTOP)).read()?; // (2)
    println!("{config}"); // (3)

    let sessions = config.session.sessions()?; // (4)
    let mut session = sessions.create();
    set_drivers(&mut session);
    session.save()?;
    println!();
    print_session(&session);

    let settings = file.merged_with(environment(HASTY));
    let error = settings.read().expect_err("four options are wrong"); // (5)
    println!("\n{error}");
    Ok(())
}

fn environment(variables: &[(&str, &str)]) -> Settings {
    let owned = |&(name, value): &(&str, &str)| (name.into(), value.into());
    Settings::from_env("BEAKER_", variables.iter().map(owned)) // (6)
}
