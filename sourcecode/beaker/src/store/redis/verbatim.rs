//! [`VerbatimRedis`]: keys and values of another program, as they are, for threads and for tasks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::raw::{Named, RawRedis};
use super::{AsyncRedisStore, RedisStore};
use crate::error::{Error, Result};
use crate::key::{Key, Namespace};
use crate::store::verbatim::names;
use crate::store::{AsyncStore, Precondition, Put, Store, StoreFuture, Stored, Version};

/// For threads.
#[derive(Debug)]
pub(super) struct VerbatimRedis {
    own: RedisStore,
    values: AsyncVerbatimRedis,
}

/// For tasks.
pub(super) struct AsyncVerbatimRedis(RawRedis);

impl VerbatimRedis {
    pub(super) fn new(own: RedisStore) -> VerbatimRedis {
        let values = AsyncVerbatimRedis(own.raw());
        VerbatimRedis { own, values }
    }
}

impl AsyncVerbatimRedis {
    pub(super) fn new(store: &AsyncRedisStore) -> AsyncVerbatimRedis {
        AsyncVerbatimRedis(store.raw())
    }
}

/// Returns the keys on the server.
fn wires(keys: &[Key]) -> Result<Vec<String>> {
    keys.iter().map(|key| Ok(names(key)?.0)).collect()
}

fn stored(bytes: Vec<u8>) -> Stored {
    let version = Version::of_content(&bytes);
    Stored { bytes: bytes.into(), version }
}

/// Returns the pattern of all keys that begin like this.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for c in prefix.chars() {
        if "*?[]\\^".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('*');
    pattern
}

impl AsyncStore for AsyncVerbatimRedis {
    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>> {
        Box::pin(async move {
            let (wire, name) = names(key)?;
            let bytes = self.0.get(Named { wire: &wire, name: &name }).await?;
            Ok(bytes.map(stored))
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> StoreFuture<'a, Option<Version>> {
        Box::pin(async move {
            let (wire, name) = names(key)?;
            self.0.put(Named { wire: &wire, name: &name }, bytes, ttl, when).await
        })
    }

    fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let (wire, name) = names(key)?;
            self.0.delete(Named { wire: &wire, name: &name }, when).await
        })
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, Vec<Option<Stored>>> {
        Box::pin(async move {
            let found = self.0.get_many(&wires(keys)?).await?;
            Ok(found.into_iter().map(|bytes| bytes.map(stored)).collect())
        })
    }

    fn put_many<'a>(&'a self, puts: &'a [Put<'a>]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let value = |put: &Put<'a>| Ok((names(put.key)?.0, put.bytes, put.ttl));
            let values = puts.iter().map(value).collect::<Result<Vec<_>>>()?;
            self.0.put_many(&values).await
        })
    }

    fn delete_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.0.delete_many(&wires(keys)?).await })
    }

    /// The namespace is what its keys begin with.
    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            if namespace.name().is_empty() {
                return Err(Error::config("other programs have keys there; delete your own"));
            }
            self.0.clear(namespace, &pattern(namespace.name()), |_| true).await
        })
    }
}

impl fmt::Debug for AsyncVerbatimRedis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncVerbatimRedis").field(&self.0.addresses()).finish()
    }
}

impl Store for VerbatimRedis {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.own.wait(self.values.get(key))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.own.wait(self.values.put(key, bytes, ttl, when))
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.own.wait(self.values.delete(key, when))
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        self.own.wait(self.values.get_many(keys))
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        self.own.wait(self.values.put_many(puts))
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        self.own.wait(self.values.delete_many(keys))
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.own.wait(self.values.clear(namespace))
    }

    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        Some(Arc::new(AsyncVerbatimRedis::new(&self.own.asynchronous())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_of_the_prefix_alone() {
        assert_eq!(pattern("beaker_cache:a*[b]?\\:"), r"beaker_cache:a\*\[b\]\?\\:*");
    }
}
