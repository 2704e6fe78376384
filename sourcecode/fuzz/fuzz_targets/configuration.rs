//! Settings in TOML, in INI, as lines and as variables: a configuration or an error in words, and no
//! secret is shown by either.

#![no_main]

use beaker::config::Settings;
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "4f6cPw9vTq2LmZx8";

fuzz_target!(|input: &str| {
    let Some((kind, text)) = input.split_at_checked(1) else { return };
    let read = match kind.as_bytes()[0] % 4 {
        0 => Settings::from_toml(text),
        1 => Settings::from_ini(text, "app:main"),
        2 => text.parse::<Settings>(),
        _ => {
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            Ok(Settings::from_env("", pairs.map(|(key, value)| (key.into(), value.into()))))
        }
    };
    let secrets = Settings::from_pairs(
        ["session.secret", "session.validate_key", "session.encrypt_key"].map(|key| (key, SECRET)),
    );
    let shown = match read.map(|settings| settings.merged_with(secrets)) {
        Ok(settings) => match settings.read() {
            Ok(config) => {
                // What is printed is a configuration again, up to the secrets.
                let printed = config.to_string();
                let _ = printed.parse::<Settings>().unwrap();
                format!("{printed}\n{config:?}\n{settings:?}")
            }
            Err(error) => format!("{error}\n{error:?}\n{settings:?}"),
        },
        Err(error) => format!("{error}\n{error:?}"),
    };
    assert!(text.contains(SECRET) || !shown.contains(SECRET), "{shown}");
});
