//! [`BeakerMemcached`]: the items of Beaker's `type = ext:memcached`, as the client `python-memcached` writes
//! them.
//!
//! A session is the text itself under `<id>_session`, with the flags by which that client knows a text. Beaker
//! takes no lock for it, so this store compares and swaps, by the server's `cas` numbers.

use std::sync::Arc;
use std::time::Duration;

use super::{Beside, Id, Records, forward_store, text};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::key::{Key, Namespace};
use crate::store::{
    AsyncStore, KeyCursor, KeyPage, MemcachedStore, Precondition, Put, Store, Stored,
    SweepProgress, Version,
};

/// Keeps sessions in memcached as Python's Beaker does, `type = ext:memcached`, with Python's client
/// `python-memcached`.
///
/// A session that this store writes expires after its time to live, to two seconds. Beaker writes sessions
/// that do not expire, until the server needs the room.
///
/// With several servers, name them on both sides in the same order: `python-memcached` chooses one by the
/// CRC-32 of the key, and so does this store. While a server is down, that client keeps its sessions on
/// another one, and this store returns errors for them.
///
/// The [module](super) tells how the contract of a store differs here; besides, a version is a number of the
/// server, which no other write has had. memcached cannot list sessions, so `clear` and `keys` of the unnamed
/// namespace return `ErrorKind::Config`. Keys with a namespace are those of the [`MemcachedStore`] that it is
/// made of.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use beaker::store::python::BeakerMemcached;
/// use beaker::store::MemcachedStore;
///
/// # fn open() -> beaker::Result<()> {
/// let servers = "127.0.0.1:11211;127.0.0.1:11212";
/// let store = BeakerMemcached::new(MemcachedStore::open(servers, Duration::from_secs(1))?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct BeakerMemcached(Beside<Items, Arc<MemcachedStore>>);

impl BeakerMemcached {
    /// Creates a store of Beaker's sessions on the servers of this one.
    pub fn new(store: MemcachedStore) -> BeakerMemcached {
        let own = Arc::new(store);
        BeakerMemcached(Beside { records: Items(Arc::clone(&own)), own })
    }
}

forward_store!(BeakerMemcached);

/// The flags of a text. Those of a pickle are 1.
const TEXT: u32 = 16;

/// The items of Beaker's sessions.
#[derive(Debug)]
struct Items(Arc<MemcachedStore>);

impl Records for Items {
    fn get(&self, id: Id<'_>) -> Result<Option<Stored>> {
        let (wire, name) = names(id);
        let item = self.0.raw(&wire, &name);
        let Some(content) = item.get()? else { return Ok(None) };
        let why = match (content.flags, text(&content.bytes)) {
            (TEXT, Ok(_)) => {
                let (bytes, version) = (content.bytes.into(), content.version);
                return Ok(Some(Stored { bytes, version }));
            }
            (TEXT, Err(_)) => "its text is no session".to_owned(),
            (flags, _) => format!("it is no text, by its flags {flags}, which would be {TEXT}"),
        };
        Err(id.unreadable(&format!("memcached at {}", item.address()), &why))
    }

    fn put(
        &self,
        id: Id<'_>,
        text: &str,
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let (wire, name) = names(id);
        self.0.raw(&wire, &name).put(text.as_bytes(), TEXT, ttl, when)
    }

    fn delete(&self, id: Id<'_>, when: Precondition) -> Result<bool> {
        let (wire, name) = names(id);
        self.0.raw(&wire, &name).delete(when)
    }

    fn clear(&self) -> Result<()> {
        Err(Error::config(
            "could not clear the sessions of Beaker in memcached, which cannot tell them from other values; \
             restart the server, or end sessions one by one",
        ))
    }

    fn keys(&self, _: Option<&KeyCursor>, _: usize) -> Result<KeyPage> {
        self.0.keys(&Namespace::default(), None, 0)
    }
}

/// Returns the key on the server, and what messages call it.
fn names(id: Id<'_>) -> (String, String) {
    (format!("{}_session", id.text()), format!("the session `{}`", id.short()))
}
