//! [`Said`]: what was said about a back end, before it is known whether it makes one.

use std::collections::BTreeMap;

use super::BackendConfig;
use super::kind::{KINDS, Kind};
use crate::config::reader::Reader;
use crate::config::words::{self, Word};
use crate::nearest::nearest;

/// The options of all back ends.
const OPTIONS: &[&str] =
    &["data_dir", "lock_dir", "url", "urls", "table_name", "deadline", "max_entries", "max_bytes"];

/// Of these, one is used: the other one is not inherited beside it.
const EITHER_OR: [(&str, &str); 2] = [("max_entries", "max_bytes"), ("url", "urls")];

/// The `type` and the options that were given.
#[derive(Debug, Clone, Default)]
pub(in crate::config) struct Said {
    kind: Option<Kind>,
    /// A `type` was given that nobody knows; what else would be wrong is not worth telling.
    is_lost: bool,
    /// The back end is the one that is said elsewhere, where it is judged.
    is_inherited: bool,
    /// `None` was given, and is wrong.
    options: BTreeMap<&'static str, Option<String>>,
}

impl Said {
    /// What is said below the reader's prefix. `more` are names that `type` may have as well.
    pub(in crate::config) fn read(reader: &Reader<'_>, more: &[&str]) -> Said {
        let mut said = Said::default();
        if reader.is_given("type") {
            let kind = reader.read("type", |name| match more.contains(&name) {
                true => Ok(None),
                false => known(name, more).map(Some),
            });
            said.is_lost = kind.is_none();
            said.kind = kind.flatten();
        }
        for &option in OPTIONS.iter().filter(|option| reader.is_given(option)) {
            said.options.insert(option, reader.read(option, |value| checked(option, value)));
        }
        said
    }

    pub(in crate::config) fn gives(&self, option: &str) -> bool {
        self.options.contains_key(option)
    }

    /// The options that were given.
    pub(in crate::config) fn given(&self) -> Vec<&'static str> {
        self.options.keys().copied().collect()
    }

    /// The same, with what is said elsewhere where nothing is said here.
    pub(in crate::config) fn or(mut self, base: &Said) -> Said {
        self.is_inherited = self.kind.is_none() && !self.is_lost;
        self.is_lost |= self.is_inherited && base.is_lost;
        self.kind = self.kind.or(base.kind);
        let own = self.given();
        for (option, value) in &base.options {
            let is_displaced = own.contains(option)
                || EITHER_OR.iter().any(|(one, other)| {
                    (option == one && own.contains(other)) || (option == other && own.contains(one))
                });
            if !is_displaced {
                self.options.insert(option, value.clone());
            }
        }
        self
    }

    /// The back end, unless nobody knows it.
    fn kind(&self, default: &str) -> Option<Kind> {
        self.kind.or(Kind::named(default)).filter(|_| !self.is_lost)
    }

    /// Whether the back end has this option. One that nobody knows may have any.
    pub(in crate::config) fn takes(&self, option: &str, default: &str) -> bool {
        self.kind(default).is_none_or(|kind| kind.has(option))
    }

    /// Notes those of the options that the back end does not have, and that nobody else uses.
    pub(in crate::config) fn note_surplus(
        &self,
        given: &[&str],
        reader: &Reader<'_>,
        default: &str,
        is_used: impl Fn(&str) -> bool,
    ) {
        let Some(kind) = self.kind(default) else { return };
        for option in given.iter().filter(|option| !kind.has(option) && !is_used(option)) {
            let name = kind.name;
            let what = match kind.options {
                [] => format!("the back end `{name}` has no options; leave it out"),
                has => format!("the back end `{name}` has only {}; leave it out", has.join(", ")),
            };
            reader.wrong(option, &what);
        }
    }

    /// The back end, if it has what it needs. Options that it does not have are left out.
    pub(in crate::config) fn settle(
        self,
        reader: &Reader<'_>,
        default: &str,
    ) -> Option<BackendConfig> {
        let kind = self.kind(default)?;
        if !kind.needs.is_empty() && !kind.needs.iter().any(|option| self.gives(option)) {
            let what =
                format!("the back end `{}` needs `{}`", kind.name, kind.needs.join("` or `"));
            if !self.is_inherited {
                reader.missing(kind.needs[0], &what);
            }
            return None;
        }
        for (one, other) in EITHER_OR {
            if kind.has(one) && kind.has(other) && self.gives(one) && self.gives(other) {
                reader.wrong(other, &format!("`{one}` is given as well; leave one of them out"));
            }
        }
        let mut options = BTreeMap::new();
        for &option in kind.options {
            let given = self.options.get(option).cloned().flatten();
            if let Some(value) = given.or(kind.default(option).map(str::to_owned)) {
                options.insert(option.to_owned(), value);
            }
        }
        let backend = BackendConfig { name: kind.name, options };
        check_address(&backend, reader);
        Some(backend)
    }
}

fn known(name: &str, more: &[&str]) -> Word<Kind> {
    let names = || KINDS.iter().map(|kind| kind.name).chain(more.iter().copied());
    match Kind::named(name) {
        Some(kind) if kind.is_compiled_in => Ok(kind),
        Some(kind) => Err(format!(
            "it is not compiled in; turn on the feature `{}` of the crate `beaker`",
            kind.feature
        )),
        None => Err(match nearest(name, names()).or(nearest(&format!("ext:{name}"), names())) {
            Some(near) => format!("there is no such back end; did you mean `{near}`?"),
            None => {
                let names: Vec<String> = names().map(|name| format!("`{name}`")).collect();
                format!("there is no such back end; there are {}", names.join(", "))
            }
        }),
    }
}

fn checked(option: &str, value: &str) -> Word<String> {
    match option {
        "deadline" => words::number(value, 1)
            .map(|ms| ms.to_string())
            .map_err(|allowed| format!("{allowed}, of milliseconds")),
        "max_entries" => words::number(value, 1).map(|number| number.to_string()),
        "max_bytes" => words::number(value, 1000).map(|number| number.to_string()),
        _ => Ok(value.into()),
    }
}

/// Opening a back end on redis connects to nobody, so it can be asked now what it thinks of an
/// address.
fn check_address(backend: &BackendConfig, reader: &Reader<'_>) {
    if !matches!(backend.name, "ext:redis" | "ext:rediscluster") {
        return;
    }
    if let Err(error) = backend.open() {
        let option = if backend.option("url").is_some() { "url" } else { "urls" };
        reader.wrong(option, &error.to_string());
    }
}
