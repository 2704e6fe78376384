//! [`Backend`]: a store and the locks that go with it, opened by name.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::lock::{FileLocks, LocalLocks, Locks};
use crate::store::{FileStore, MemoryStore, NullStore, Store};

/// Where things are stored, and what keeps two from making the same thing at once. A clone is the
/// same back end.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Where things are stored.
    pub store: Arc<dyn Store>,
    /// Who may make a value now.
    pub locks: Arc<dyn Locks>,
}

/// How long a server may take for one operation, if nothing else is said.
#[cfg(feature = "memcached")]
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(2);

impl Backend {
    /// Any store with any locks.
    pub fn new(store: impl Store, locks: impl Locks) -> Backend {
        Backend { store: Arc::new(store), locks: Arc::new(locks) }
    }

    /// A memory of its own, for the threads of this process.
    pub fn memory() -> Backend {
        Backend::new(MemoryStore::new(), LocalLocks::new())
    }

    /// The back end of this name, as Beaker's `type` option names it.
    ///
    /// | name | options | shared across | locks span |
    /// |---|---|---|---|
    /// | `memory` | | threads | threads |
    /// | `file` | `data_dir`, `lock_dir` | processes of a host | processes of a host |
    /// | `ext:memcached` | `url`, `lock_dir`, `deadline` in ms | hosts | with `lock_dir` processes of a host, else threads |
    /// | `null` | | nothing | threads |
    pub fn open(name: &str, options: &[(&str, &str)]) -> Result<Backend> {
        let options = Options { name, given: options };
        match name {
            "memory" => options.only(&[]).map(|()| Backend::memory()),
            "null" => options.only(&[]).map(|()| Backend::new(NullStore, LocalLocks::new())),
            "file" => open_file(options),
            #[cfg(feature = "memcached")]
            "ext:memcached" => open_memcached(options),
            #[cfg(not(feature = "memcached"))]
            "ext:memcached" => Err(Error::config(
                "the back end `ext:memcached` is not compiled in; \
                 turn on the feature `memcached` of the crate `beaker`",
            )),
            _ => Err(Error::config(format!(
                "there is no back end `{name}`; there are `memory`, `file`, `ext:memcached`, `null`"
            ))),
        }
    }
}

fn open_file(options: Options<'_>) -> Result<Backend> {
    options.only(&["data_dir", "lock_dir"])?;
    let data_dir = options.required("data_dir", "the folder to store in")?;
    let store = FileStore::open(data_dir)?;
    Ok(match options.get("lock_dir") {
        Some(folder) => Backend::new(store.with_lock_dir(folder), FileLocks::new(folder)),
        None => {
            let folder = std::path::Path::new(data_dir).join("container_file_lock");
            Backend::new(store, FileLocks::new(folder))
        }
    })
}

#[cfg(feature = "memcached")]
fn open_memcached(options: Options<'_>) -> Result<Backend> {
    options.only(&["url", "lock_dir", "deadline"])?;
    let url = options.required("url", "the servers: `host:port`, with `;` between several")?;
    let deadline = match options.get("deadline").map(str::parse) {
        None => DEADLINE,
        Some(Ok(ms @ 1..)) => std::time::Duration::from_millis(ms),
        Some(_) => {
            return Err(Error::config("`deadline` is a whole number of milliseconds, 1 or more"));
        }
    };
    let store = crate::store::MemcachedStore::open(url, deadline)?;
    Ok(match options.get("lock_dir") {
        Some(folder) => Backend::new(store, FileLocks::new(folder)),
        None => Backend::new(store, LocalLocks::new()),
    })
}

/// The options that were given for a back end.
#[derive(Clone, Copy)]
struct Options<'a> {
    name: &'a str,
    given: &'a [(&'a str, &'a str)],
}

impl<'a> Options<'a> {
    fn get(self, option: &str) -> Option<&'a str> {
        self.given.iter().rev().find(|(name, _)| *name == option).map(|(_, value)| *value)
    }

    fn required(self, option: &str, what: &str) -> Result<&'a str> {
        let missing = || format!("the back end `{}` needs `{option}`, {what}", self.name);
        self.get(option).filter(|value| !value.is_empty()).ok_or_else(|| Error::config(missing()))
    }

    /// Refuses all other options.
    fn only(self, known: &[&str]) -> Result<()> {
        match self.given.iter().find(|(option, _)| !known.contains(option)) {
            None => Ok(()),
            Some((option, _)) => {
                let known = if known.is_empty() { "none".into() } else { known.join(", ") };
                let name = self.name;
                Err(Error::config(format!(
                    "the back end `{name}` has no option `{option}`; it has: {known}"
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, options: &[(&str, &str)], message: &str) {
        assert_eq!(Backend::open(name, options).unwrap_err().to_string(), message);
    }

    #[test]
    fn mistakes_are_named() {
        check(
            "disk",
            &[],
            "there is no back end `disk`; there are `memory`, `file`, `ext:memcached`, `null`",
        );
        check("file", &[], "the back end `file` needs `data_dir`, the folder to store in");
        check("memory", &[("url", "x")], "the back end `memory` has no option `url`; it has: none");
        check(
            "file",
            &[("data_dirr", "x")],
            "the back end `file` has no option `data_dirr`; it has: data_dir, lock_dir",
        );
    }

    #[cfg(not(feature = "memcached"))]
    #[test]
    fn a_back_end_that_is_not_compiled_in_says_so() {
        let message = Backend::open("ext:memcached", &[]).unwrap_err().to_string();
        assert!(message.contains("the feature `memcached`"), "{message}");
    }
}
