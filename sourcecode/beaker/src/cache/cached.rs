//! What the code that `#[cached]` writes calls. Nothing here is to be called by hand.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use super::api::Cache;
use super::arguments::ArgumentKey;
use super::batch::wrong_number;
use super::policy::CacheEntry;
use crate::error::{Error, Result};

/// The cache that only this function uses.
pub fn own<V: Clone + Send + Sync + 'static>(size: usize, function: &'static str) -> Cache<V> {
    let mut cache = Cache::in_memory(size);
    if let Some(shared) = Arc::get_mut(&mut cache.engine.shared) {
        shared.recorder.function = Some(function);
        #[cfg(feature = "metrics")]
        {
            shared.recorder = std::mem::take(&mut shared.recorder).published_as(function);
        }
    }
    cache
}

/// The key of a call, that may be the bytes of an argument.
pub fn key(key: impl Into<ArgumentKey>) -> ArgumentKey {
    key.into()
}

/// A value by the rules of the attribute.
pub fn made<V>(value: V, ttl: Option<Duration>, is_kept: bool) -> CacheEntry<V> {
    CacheEntry { value, ttl, tags: None, is_kept }
}

/// Whether a value is to be kept: a closure's parameter has its type from here.
pub fn is_kept<V>(value: &V, keep_if: impl FnOnce(&V) -> bool) -> bool {
    keep_if(value)
}

/// What a function that may fail can fail with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that the cache has failed",
    label = "an error without `From<beaker::Error>` or without `Display`",
    note = "write `impl From<beaker::Error> for {Self}` and `impl Display for {Self}`, or return a `Result` with an error that has both, such as `beaker::Error` or `Box<dyn std::error::Error>`"
)]
pub trait CallError: From<Error> + Display {}

#[diagnostic::do_not_recommend]
impl<E: From<Error> + Display> CallError for E {}

/// A function that may fail: an error of the store is one of its errors.
#[inline]
pub fn try_call<V, E>(
    cache: &Cache<V>,
    key: impl AsRef<[u8]>,
    original: impl FnOnce() -> Result<CacheEntry<V>, E>,
) -> Result<V, E>
where
    V: Clone + Send + Sync + 'static,
    E: CallError,
{
    let key = key.as_ref();
    let mut found = cache.engine.fresh(key);
    if found.is_none() {
        cold(|| cache.try_get_or_create(key, original).map(|value| found = Some(value)))?;
    }
    match found {
        Some(value) => Ok(value),
        None => unreachable!("it was filled"),
    }
}

/// A function that cannot fail: when the store fails, or the function asks for what it is about to
/// give, it runs as if there were no cache, and that is counted.
#[inline]
pub fn call<V>(
    cache: &Cache<V>,
    key: impl AsRef<[u8]>,
    original: impl FnOnce() -> CacheEntry<V>,
) -> V
where
    V: Clone + Send + Sync + 'static,
{
    let key = key.as_ref();
    match cache.engine.fresh(key) {
        Some(value) => value,
        None => cold(|| call_behind(cache, key, original)),
    }
}

fn call_behind<V>(
    cache: &Cache<V>,
    key: impl AsRef<[u8]>,
    original: impl FnOnce() -> CacheEntry<V>,
) -> V
where
    V: Clone + Send + Sync + 'static,
{
    let mut left = Some(original);
    let found = cache.try_get_or_create(key.as_ref(), || match left.take() {
        Some(original) => Ok(original()),
        None => unreachable!("a creator is called once"),
    });
    match (found, left) {
        (Ok(value), _) => value,
        (Err(error), Some(original)) => {
            cache.engine.shared.recorder.went_past(&error);
            original().value
        }
        (Err::<_, Error>(error), None) => unreachable!("the creator gave a value: {error}"),
    }
}

/// Apart, so that a hit is not held up by what it does not need.
#[cold]
#[inline(never)]
fn cold<T>(act: impl FnOnce() -> T) -> T {
    act()
}

/// Keeps a value that was made anew, if it is to be kept.
pub fn refresh<V>(cache: &Cache<V>, key: impl AsRef<[u8]>, made: CacheEntry<V>) -> Result<V>
where
    V: Clone + Send + Sync + 'static,
{
    let value = made.value.clone();
    if made.is_kept {
        cache.put(key.as_ref(), made)?;
    }
    Ok(value)
}

/// The same for a function that may fail.
pub fn try_refresh<V, E>(
    cache: &Cache<V>,
    key: impl AsRef<[u8]>,
    made: CacheEntry<V>,
) -> Result<V, E>
where
    V: Clone + Send + Sync + 'static,
    E: CallError,
{
    refresh(cache, key, made).map_err(E::from)
}

/// A function of many keys. It is called with the items whose keys are missing, in some order, each once.
pub fn try_call_many<K, V, E>(
    cache: &Cache<V>,
    items: &[K],
    keys: &[ArgumentKey],
    original: impl FnOnce(&[K]) -> Result<Vec<CacheEntry<V>>, E>,
) -> Result<Vec<V>, E>
where
    K: Clone,
    V: Clone + Send + Sync + 'static,
    E: CallError,
{
    cache.try_get_or_create_many(keys, |missing| {
        let items: HashMap<&ArgumentKey, &K> = keys.iter().zip(items).collect();
        let missing = missing.iter().filter_map(|key| items.get(key).copied().cloned());
        original(&missing.collect::<Vec<K>>())
    })
}

/// Keeps many values that were made anew, if they are to be kept.
pub fn try_refresh_many<V, E>(
    cache: &Cache<V>,
    keys: Vec<ArgumentKey>,
    made: Vec<CacheEntry<V>>,
) -> Result<Vec<V>, E>
where
    V: Clone + Send + Sync + 'static,
    E: CallError,
{
    if made.len() != keys.len() {
        return Err(wrong_number(made.len(), keys.len()).into());
    }
    let values = made.iter().map(|made| made.value.clone()).collect();
    cache.put_many(keys.into_iter().zip(made).filter(|(_, made)| made.is_kept))?;
    Ok(values)
}
