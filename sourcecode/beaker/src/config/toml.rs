//! Settings from TOML.

use std::fs;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::origin::Origin;
use super::settings::Settings;
use crate::error::{Error, Result};

impl Settings {
    /// The settings in a text in TOML: `timeout = 3600` below `[session]`, and tables in tables,
    /// such as `[cache.short]`. A list of texts is the same as one text with `,` between them.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if it is not TOML.
    pub fn from_toml(text: &str) -> Result<Settings> {
        read(text, "the TOML")
    }

    /// The settings in a file in TOML.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if it cannot be read or is not TOML.
    pub fn from_toml_file(path: impl AsRef<Path>) -> Result<Settings> {
        let name = path.as_ref().display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            Error::config(format!("could not read the settings in {name}")).caused_by(error)
        })?;
        read(&text, &name)
    }
}

fn read(text: &str, name: &str) -> Result<Settings> {
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        // The error itself would show the line, and there may be a secret in it.
        let line = error.span().map_or(1, |span| line(span.start));
        let what = error.message();
        Error::config(format!("could not read line {line} of {name}: {what}; it has to be TOML"))
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

#[cfg(test)]
mod tests {
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
