//! [`Made`]: a value with what is to be said of it.

use std::sync::Arc;
use std::time::Duration;

/// What a creator gives: a value, or a value with an expiry or tags of its own.
///
/// ```
/// use std::time::Duration;
/// use beaker::cache::Made;
///
/// let token = Made::new("b2f7ea4a").expire(Duration::from_secs(300)).tag("user:17");
/// let rejected = Made::new("").not_kept();
/// # let _ = (token, rejected);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made<V> {
    pub(super) value: V,
    /// `None` is as the cache says.
    pub(super) expire: Option<Duration>,
    pub(super) tags: Tags,
    pub(super) is_kept: bool,
}

/// The tags of a value; most have none.
pub(super) type Tags = Option<Arc<[Box<str>]>>;

impl<V> Made<V> {
    /// A value that is kept as the cache says.
    pub fn new(value: V) -> Made<V> {
        Made { value, expire: None, tags: None, is_kept: true }
    }

    /// Fresh for so long, whatever the cache says: until a token runs out, say.
    pub fn expire(mut self, time: Duration) -> Made<V> {
        self.expire = Some(time);
        self
    }

    /// Goes when this tag is invalidated, as do all others that have it. May be said again.
    pub fn tag(mut self, tag: &str) -> Made<V> {
        let mut tags: Vec<Box<str>> = self.tags.as_deref().unwrap_or_default().to_vec();
        tags.push(tag.into());
        self.tags = Some(tags.into());
        self
    }

    /// For those who wait for it now, and not to be kept: what was there before stays.
    pub fn not_kept(mut self) -> Made<V> {
        self.is_kept = false;
        self
    }
}

impl<V> From<V> for Made<V> {
    fn from(value: V) -> Made<V> {
        Made::new(value)
    }
}
