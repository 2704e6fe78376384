//! Settings from files: TOML, and INI as Paste and Pylons have it.

use std::fs;
use std::path::Path;

use super::settings::{Origin, Settings};
use crate::error::{Error, Result};

/// The name of a file, and its text.
fn file(path: &Path) -> Result<(String, String)> {
    let name = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => Ok((name, text)),
        Err(error) => {
            let what = format!("could not read the settings in {name}");
            Err(Error::config(what).caused_by(error))
        }
    }
}

#[cfg(feature = "toml")]
mod from_toml {
    use toml::de::{DeTable, DeValue};

    use super::{Error, Origin, Path, Result, Settings, file};

    impl Settings {
        /// Reads settings from a text in TOML: `timeout = 3600` below `[session]`, and nested tables such as
        /// `[cache.short]`. A list of strings is the same as one string with `,` between its items.
        ///
        /// # Errors
        ///
        /// `ErrorKind::Config` if the text is not TOML.
        pub fn from_toml(text: &str) -> Result<Settings> {
            read(text, "the TOML")
        }

        /// Reads settings from a file in TOML.
        ///
        /// # Errors
        ///
        /// `ErrorKind::Config` if the file cannot be read or is not TOML.
        pub fn from_toml_file(path: impl AsRef<Path>) -> Result<Settings> {
            let (name, text) = file(path.as_ref())?;
            read(&text, &name)
        }
    }

    fn read(text: &str, name: &str) -> Result<Settings> {
        let line = |at: usize| text[..at].matches('\n').count() + 1;
        let table = DeTable::parse(text).map_err(|error| {
            // The error itself would show the line, and there may be a secret in it.
            let line = error.span().map_or(1, |span| line(span.start));
            let what = error.message();
            Error::config(format!(
                "could not read line {line} of {name}: {what}; it has to be TOML"
            ))
        })?;
        let mut settings = Settings::default();
        let origin = |at: usize| Origin::Place(format!("line {} of {name}", line(at)));
        flatten("", table.get_ref(), &origin, &mut settings);
        Ok(settings)
    }

    fn flatten(
        prefix: &str,
        table: &DeTable<'_>,
        origin: &dyn Fn(usize) -> Origin,
        settings: &mut Settings,
    ) {
        for (key, value) in table {
            let origin_of_key = origin(key.span().start);
            let key = format!("{prefix}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(table) => flatten(&format!("{key}."), table, origin, settings),
                value => match one(value).or_else(|| list(value)) {
                    Some(text) => settings.insert(&key, &text, origin_of_key),
                    None => {
                        let what = "allowed are a text, a whole number, true, false, and a list of \
                                    texts without `,` in them";
                        let kind = format!("({})", value.type_str());
                        settings.insert_judged(&key, &kind, origin_of_key, Some(what.into()));
                    }
                },
            }
        }
    }

    fn one(value: &DeValue<'_>) -> Option<String> {
        match value {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Boolean(is_true) => Some(is_true.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .map(|number| number.to_string()),
            _ => None,
        }
    }

    fn list(value: &DeValue<'_>) -> Option<String> {
        let items = value.as_array()?.iter().map(|item| one(item.get_ref()));
        let items = items.collect::<Option<Vec<_>>>()?;
        items.iter().all(|item| !item.contains(',')).then(|| items.join(","))
    }
}

#[cfg(feature = "ini")]
mod from_ini {
    use ini::{Ini, ParseOption};

    use super::{Error, Origin, Path, Result, Settings, file};
    use crate::config::name::{Name, classify};

    impl Settings {
        /// Reads settings from a text in INI: full keys such as `session.type` in the given section (for
        /// example `app:main`), and short ones such as `type` below `[session]`, `[cache]` and
        /// `[cache.short]`. Options below `[DEFAULT]`, or before the first section, are defaults for the
        /// others.
        ///
        /// Values are taken literally. Python's interpolation `%(here)s` is an error: write the value out.
        ///
        /// # Errors
        ///
        /// `ErrorKind::Config` if the text is not INI, or contains neither that section nor one of the
        /// library's.
        pub fn from_ini(text: &str, section: &str) -> Result<Settings> {
            read(text, section, "the INI")
        }

        /// Reads settings from a file in INI.
        ///
        /// # Errors
        ///
        /// `ErrorKind::Config` if the file cannot be read, is not INI or has no such section.
        pub fn from_ini_file(path: impl AsRef<Path>, section: &str) -> Result<Settings> {
            let (name, text) = file(path.as_ref())?;
            read(&text, section, &name)
        }
    }

    fn read(text: &str, section: &str, name: &str) -> Result<Settings> {
        // As Python reads it: neither quotes nor backslashes mean anything.
        let as_python = ParseOption {
            enabled_quote: false,
            enabled_escape: false,
            enabled_indented_mutiline_value: true,
            ..ParseOption::default()
        };
        let ini = Ini::load_from_str_opt(text, as_python).map_err(|error| {
            let line = error.line;
            Error::config(format!("could not read line {line} of {name}; it has to be INI"))
                .caused_by(error)
        })?;
        let (mut defaults, mut settings) = (Settings::default(), Settings::default());
        let mut is_found = false;
        for (this, properties) in &ini {
            let is_default = this.is_none_or(|this| this == "DEFAULT");
            let this = this.unwrap_or("DEFAULT");
            let is_chosen = this == section;
            let prefix = if is_default || is_chosen { String::new() } else { format!("{this}.") };
            is_found |= is_chosen || is_ours(&prefix);
            for (key, value) in properties {
                let misplaced = misplaced(&prefix, key, value);
                if let Some(what) = misplaced {
                    return Err(Error::config(format!(
                        "could not read [{this}] of {name}: {what}"
                    )));
                }
                let key = format!("{prefix}{key}");
                let origin = Origin::Place(format!("[{this}] of {name}"));
                let mistake = is_interpolated(value).then(|| INTERPOLATION.to_owned());
                is_found |= is_default && is_ours(&key);
                let settings = if is_default { &mut defaults } else { &mut settings };
                settings.insert_judged(&key, value, origin, mistake);
            }
        }
        if is_found {
            return Ok(defaults.merged_with(settings));
        }
        let sections: Vec<String> =
            ini.sections().flatten().map(|name| format!("[{name}]")).collect();
        Err(Error::config(format!(
            "there is no section [{section}] in {name}, nor [session], [cache] or [limit]; it has: {}",
            if sections.is_empty() { "none".into() } else { sections.join(", ") }
        )))
    }

    const INTERPOLATION: &str = "nothing is put in for `%(…)s`; write out what it stands for";

    /// Lines that the parser takes for a part of something else, and which would be lost.
    fn misplaced(prefix: &str, key: &str, value: &str) -> Option<String> {
        if let Some((_, key)) = key.rsplit_once('\n') {
            return Some(format!("the line before `{}` has no `=`", key.trim()));
        }
        let is_name = |key: &str| key.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
        let mut indented = value.lines().skip(1).filter_map(|line| line.split_once('='));
        let ours = indented
            .find(|(key, _)| is_name(key.trim()) && is_ours(&format!("{prefix}{}", key.trim())));
        ours.map(|(key, _)| {
            let key = key.trim();
            format!("`{key}` is indented, and so a part of the value above; begin its line with it")
        })
    }

    fn is_ours(key: &str) -> bool {
        !matches!(classify(key), Name::Foreign)
    }

    fn is_interpolated(value: &str) -> bool {
        value.split_once("%(").is_some_and(|(_, rest)| rest.contains(")s"))
    }
}

#[cfg(all(test, feature = "toml"))]
mod toml_tests {
    use super::*;

    #[track_caller]
    fn check(toml: &str, lines: &str) {
        assert_eq!(format!("{:?}", Settings::from_toml(toml).unwrap()), lines);
    }

    #[test]
    fn tables_become_dots() {
        check(
            "title = 'x'\n[session]\ntype = 'file'\ntimeout = 3_600\nauto = true",
            "session.auto = true  # line 5 of the TOML\n\
             session.timeout = 3600  # line 4 of the TOML\n\
             session.type = file  # line 3 of the TOML\n",
        );
        check(
            "[cache]\nregions = ['short', 'long']\n[cache.short]\nexpire = 60",
            "cache.regions = short,long  # line 2 of the TOML\n\
             cache.short.expire = 60  # line 4 of the TOML\n",
        );
        check("'beaker.session.type' = 'file'", "session.type = file  # line 1 of the TOML\n");
        check("[[servers]]\nport = 1.5", "");
    }

    #[test]
    fn other_kinds_of_values_are_mistakes() {
        let settings = Settings::from_toml("[session]\ntimeout = 1.5\nsecret = ['a,b']").unwrap();
        let message = settings.read().unwrap_err().to_string();
        assert!(message.contains("session.timeout = (float)"), "{message}");
        assert!(message.contains("line 3 of the TOML): allowed are a text"), "{message}");
    }

    #[test]
    fn what_is_not_toml_is_named_without_secrets() {
        let error = Settings::from_toml("[session]\nsecret = swordfish").unwrap_err();
        let message = format!("{error:?}");
        assert!(message.contains("line 2 of the TOML"), "{message}");
        assert!(!message.contains("swordfish"), "{message}");
        let message = Settings::from_toml_file("no/such.toml").unwrap_err().to_string();
        assert!(message.contains("no/such.toml"), "{message}");
    }
}

#[cfg(all(test, feature = "ini"))]
mod ini_tests {
    use super::*;

    const PASTE: &str = "\
[DEFAULT]
session.type = memory
session.auto = true
[server:main]
port = 80
[app:main]
use = egg:app
session.type = file
beaker.session.data_dir = C:\\data
; a comment
cache.regions = short,
    long
[cache.short]
expire = 60
";

    #[test]
    fn a_file_of_paste() {
        let settings = Settings::from_ini(PASTE, "app:main").unwrap();
        assert_eq!(
            format!("{settings:?}"),
            "cache.regions = \"short,\\nlong\"  # [app:main] of the INI\n\
             cache.short.expire = 60  # [cache.short] of the INI\n\
             session.auto = true  # [DEFAULT] of the INI\n\
             session.data_dir = C:\\data  # [app:main] of the INI\n\
             session.type = file  # [app:main] of the INI\n"
        );
    }

    #[track_caller]
    fn check(ini: &str, part: &str) {
        let read = Settings::from_ini(ini, "app:main").and_then(|settings| settings.read());
        let message = read.unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }

    #[test]
    fn mistakes_are_named() {
        check("[session]\ntype = memory\ntype = file", "it is said twice, and was `memory` before");
        check("[session]\ndata_dir = %(here)s/data", "write out what it stands for");
        check("[app]\nx = 1", "it has: [app]");
        check("[sesion]\ntype = file\n[app:main]\n", "did you mean `session.type`?");
        check("[app:main]\ntype = file", "did you mean `session.type` or `cache.type`?");
        check("[session\ntype = file", "could not read line 2 of the INI");
        check("[app:main]\nx\nsession.type = file", "the line before `session.type` has no `=`");
        check("[app:main]\nx = 1\n session.auto = y", "`session.auto` is indented");
        check("[session]\ndata_dir = x\n  auto = y", "`auto` is indented");
    }
}
