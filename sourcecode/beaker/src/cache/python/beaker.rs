//! [`BeakerCacheFormat`]: entries of Beaker's cache, which are a pickled `(stored, expire, value)`.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Form;
use super::keys::{Keys, Rule};
use super::pickled::Tuple;
use super::place::{Kind, LocksOf};
use crate::cache::policy::KeyMangler;
use crate::key::Namespace;
use crate::store::python::on_disk::sha1_hex;

/// How long Beaker holds a lock in redis at most.
const LOCKED_FOR: Duration = Duration::from_secs(900);

/// The longest key of Beaker in redis, with all that it begins with.
const LONGEST_IN_REDIS: usize = 1024;

/// How long the key of a decorated function is at most, with its namespace. Beaker's option `key_length` has the
/// same default.
const LONGEST_OF_FUNCTION: usize = 250;

/// Describes the entries that a region shares with Beaker's cache (1.14), in redis, memcached or files.
///
/// | Beaker | here |
/// |---|---|
/// | `cache_manager.get_cache("standings", type="ext:redis", url=…)` | [`region.cache("standings")`](crate::cache::Region::cache): the name is Beaker's namespace |
/// | `expire` | [`RegionOptions::ttl`](crate::cache::RegionOptions::ttl), or that of a single [`CacheEntry`](crate::cache::CacheEntry): each entry says for how long it is fresh |
/// | `cache.get(key, createfunc=…)` | [`get_or_create`](crate::Cache::get_or_create) |
/// | `cache.put`, `cache.remove_value` | [`put`](crate::Cache::put), [`remove`](crate::Cache::remove) |
/// | `cache.clear()` in redis and files | [`clear`](crate::Cache::clear): it removes the namespace, for both sides |
/// | `cache.clear()` in memcached, which empties the whole server | `ErrorKind::Config` |
/// | `@cache.cache("points")`, `@cache_region` | [`function_key`](BeakerCacheFormat::function_key) |
///
/// The loader holds Beaker's own lock, so both sides together compute a value once: in redis a key, in files a lock
/// file. In memcached, Beaker locks a file of its host as well: give its folder as
/// [`lock_dir`](BeakerCacheFormat::lock_dir).
///
/// All entries of a cache in files are one file, as in Beaker, and each write writes the whole file again. Nothing
/// removes an entry that has expired.
///
/// ```
/// use std::time::Duration;
/// use beaker::Backend;
/// use beaker::cache::{BeakerCacheFormat, Region, RegionOptions};
///
/// # fn main() -> beaker::Result<()> {
/// // In a program: Backend::open("ext:redis", &[("url", "redis://127.0.0.1/")])?
/// let backend = Backend::memory();
/// let region = Region::named("short_term");
/// let options = RegionOptions::new(backend).ttl(Duration::from_secs(60));
/// region.configure(options.shared_with_beaker(BeakerCacheFormat::new()))?;
/// let standings = region.cache::<u32>("standings")?;
/// assert_eq!(standings.get_or_create("Kimi", || 110)?, 110);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct BeakerCacheFormat {
    lock_dir: Option<PathBuf>,
}

impl BeakerCacheFormat {
    /// Describes Beaker's entries, which have one form only.
    ///
    /// Pickles are read without running anything, and the values that both sides know are those that
    /// [`DogpileFormat::pickle`](super::DogpileFormat::pickle) names.
    pub fn new() -> BeakerCacheFormat {
        BeakerCacheFormat { lock_dir: None }
    }

    /// Takes Beaker's lock files in this folder for the computations of a region in memcached: Beaker's `lock_dir`,
    /// which is `data_dir/container_mcd_lock` where only a `data_dir` is given. Default: the locks of the backend,
    /// of which Beaker does not know.
    ///
    /// In files, the folder is the `lock_dir` of the backend, and in redis there are no lock files.
    pub fn lock_dir(mut self, folder: impl Into<PathBuf>) -> BeakerCacheFormat {
        self.lock_dir = Some(folder.into());
        self
    }

    /// Returns the key that Beaker makes for a call of a decorated function: the arguments of the decorator and
    /// those of the call, each as Python's `str` writes it, with one space between them. A long key is hashed.
    ///
    /// The name of the cache is then `module|function`, where `module` is the path of the source file without its
    /// ending or what `func.__module__` says: `func._arg_namespace` in Python shows it.
    ///
    /// ```
    /// use beaker::cache::BeakerCacheFormat;
    ///
    /// let namespace = "myapp.tools|load";
    /// let key = BeakerCacheFormat::function_key(namespace, ["my_search_func", "gophers"]);
    /// assert_eq!(key, "my_search_func gophers");
    /// ```
    #[must_use]
    pub fn function_key<A: Display>(
        namespace: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> String {
        let arguments: Vec<String> = arguments.into_iter().map(|one| one.to_string()).collect();
        let key = arguments.join(" ");
        let length = key.chars().count() + namespace.chars().count();
        if length > LONGEST_OF_FUNCTION { sha1_hex(&key) } else { key }
    }

    pub(super) fn form<V: Serialize + DeserializeOwned + 'static>(&self) -> Arc<dyn Form<V>> {
        Arc::new(Tuple::new())
    }

    pub(super) fn keys_in(&self, namespace: &str, mangler: Option<KeyMangler>, kind: Kind) -> Keys {
        let (mut prefix, mut is_memcached) = (Namespace::default(), false);
        let (rule, lock_prefix) = match kind {
            Kind::Redis => {
                prefix = in_redis(namespace);
                let longest = LONGEST_IN_REDIS.saturating_sub(prefix.name().chars().count());
                (Rule::BeakerInRedis { longest }, "beaker_lock:".to_owned())
            }
            Kind::Memcached => {
                is_memcached = true;
                let rule = Rule::BeakerInMemcached { namespace: namespace.to_owned() };
                (rule, format!("memcachedcontainer/funclock/{namespace}/"))
            }
            Kind::Files => {
                prefix = Namespace::new(namespace);
                (Rule::BeakerInFiles, format!("dbmcontainer/funclock/{namespace}/"))
            }
        };
        Keys { mangler, rule, prefix, is_memcached, lock_prefix }
    }

    /// Returns the locks of a computation: Beaker's own, where this program can take them.
    pub(super) fn locks(&self, kind: Kind, folder: Option<PathBuf>) -> Option<LocksOf> {
        match kind {
            Kind::Redis => Some(LocksOf::Store(LOCKED_FOR)),
            Kind::Memcached => self.lock_dir.clone().map(LocksOf::Files),
            Kind::Files => folder.map(LocksOf::Files),
        }
    }

    pub(super) fn all(&self, namespace: &str, kind: Kind) -> Result<Namespace, &'static str> {
        match kind {
            Kind::Redis => Ok(in_redis(namespace)),
            Kind::Files => Ok(Namespace::new(namespace)),
            Kind::Memcached => {
                Err("in memcached, that would empty the whole server; remove the keys themselves")
            }
        }
    }
}

/// Returns what the keys of a namespace begin with in redis.
fn in_redis(namespace: &str) -> Namespace {
    Namespace::new(&format!("beaker_cache:{namespace}:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Beaker 1.14.1 makes.
    #[test]
    fn the_key_of_a_decorated_function() {
        let key = |arguments: &[&str]| BeakerCacheFormat::function_key("m|f", arguments);
        assert_eq!(key(&["my_search_func", "gophers"]), "my_search_func gophers");
        let long = "g".repeat(300);
        assert_eq!(key(&["my_search_func", &long]), "577d278c94af9d61c12bc831341c5e3249dfddfa");
        assert_eq!(key(&[&"g".repeat(247)]).len(), 247);
        assert_eq!(key(&[&"g".repeat(248)]).len(), 40);
    }
}
