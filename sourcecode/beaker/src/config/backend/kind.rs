//! [`Kind`]: what is known of each back end before it is opened.

/// A back end's name, and what it wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) options: &'static [&'static str],
    /// One of these has to be there; none is needed if there are none.
    pub(super) needs: &'static [&'static str],
    /// The feature that it is a part of.
    pub(super) feature: &'static str,
    pub(super) is_compiled_in: bool,
}

const FOLDERS: &[&str] = &["data_dir", "lock_dir"];
const SERVERS: &[&str] = &["url", "lock_dir", "deadline"];

/// All of them. A test holds this against what `Backend::open` takes.
pub(super) const KINDS: &[Kind] = &[
    Kind::built_in("memory", &["max_entries", "max_bytes"], &[]),
    Kind::built_in("file", FOLDERS, &["data_dir"]),
    Kind::of_feature("dbm", FOLDERS, &["data_dir"], "dbm", cfg!(feature = "dbm")),
    Kind::of_feature("ext:memcached", SERVERS, &["url"], "memcached", cfg!(feature = "memcached")),
    Kind::of_feature("ext:redis", SERVERS, &["url"], "redis", cfg!(feature = "redis")),
    Kind::of_feature(
        "ext:rediscluster",
        &["urls", "url", "lock_dir", "deadline"],
        &["urls", "url"],
        "redis",
        cfg!(feature = "redis"),
    ),
    Kind::of_feature(
        "ext:database",
        &["url", "table_name", "lock_dir", "deadline"],
        &["url"],
        "sqlite` or `postgres",
        cfg!(any(feature = "sqlite", feature = "postgres")),
    ),
    Kind::built_in("null", &[], &[]),
];

impl Kind {
    const fn built_in(
        name: &'static str,
        options: &'static [&'static str],
        needs: &'static [&'static str],
    ) -> Kind {
        Kind::of_feature(name, options, needs, "", true)
    }

    const fn of_feature(
        name: &'static str,
        options: &'static [&'static str],
        needs: &'static [&'static str],
        feature: &'static str,
        is_compiled_in: bool,
    ) -> Kind {
        Kind { name, options, needs, feature, is_compiled_in }
    }

    /// The back end of this name.
    pub(super) fn named(name: &str) -> Option<Kind> {
        KINDS.iter().copied().find(|kind| kind.name == name)
    }

    pub(super) fn has(self, option: &str) -> bool {
        self.options.contains(&option)
    }

    /// What the option is when nothing is said, if it is anything then.
    pub(super) fn default(self, option: &str) -> Option<&'static str> {
        match option {
            "deadline" => Some("2000"),
            "table_name" => Some("beaker_values"),
            _ => None,
        }
        .filter(|_| self.has(option))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Backend;

    #[test]
    fn the_table_is_what_back_ends_take() {
        for kind in KINDS.iter().filter(|kind| kind.is_compiled_in) {
            let message = Backend::open(kind.name, &[("no", "")]).unwrap_err().to_string();
            let options =
                if kind.options.is_empty() { "none".into() } else { kind.options.join(", ") };
            assert!(message.ends_with(&format!("; it has: {options}")), "{message}");
            let works = Backend::open(kind.name, &[]).is_ok();
            assert_eq!(works, kind.needs.is_empty(), "{}", kind.name);
        }
        let all = Backend::open("?", &[]).unwrap_err().to_string();
        let names: Vec<String> = KINDS.iter().map(|kind| format!("`{}`", kind.name)).collect();
        assert!(all.ends_with(&format!("there are {}", names.join(", "))), "{all}");
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[test]
    fn the_table_has_its_name() {
        let kind = Kind::named("ext:database").unwrap();
        assert_eq!(kind.default("table_name"), Some(crate::store::DatabaseStore::TABLE_NAME));
    }
}
