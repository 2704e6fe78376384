//! [`Region`]: caches of one kind, known by a name before anybody knows where they are kept.

mod members;
mod options;
mod regions;

use std::fmt;
use std::sync::{Arc, OnceLock};

use members::Members;
pub use options::RegionOptions;
pub use regions::Regions;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Cache;
use crate::codec::{Bincode, Codec};
use crate::error::{Error, Result};

/// Caches of one kind: where they are kept and how long, under a name. A clone is the same region.
///
/// Code can name a region before it is configured, and a program configures it at its start, by
/// itself or with what its [settings](crate::config) say:
///
/// ```
/// use std::sync::LazyLock;
/// use std::time::Duration;
/// use beaker::Backend;
/// use beaker::cache::{Region, RegionOptions};
///
/// static SHORT_TERM: LazyLock<Region> = LazyLock::new(|| Region::named("short_term"));
///
/// fn points(driver: &str) -> beaker::Result<u32> {
///     SHORT_TERM.cache("points")?.get_or_create(driver, || 100_u32)
/// }
///
/// # fn main() -> beaker::Result<()> {
/// assert!(points("Kimi").is_err(), "not yet");
/// let minute = Duration::from_secs(60);
/// SHORT_TERM.configure(RegionOptions::new(Backend::memory()).expire(minute))?;
/// assert_eq!(points("Kimi")?, 100);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Region {
    shared: Arc<Shared>,
}

struct Shared {
    name: Box<str>,
    setup: OnceLock<Arc<Setup>>,
}

/// What a configured region has.
struct Setup {
    options: RegionOptions,
    members: Members,
}

impl Region {
    /// A region that is not configured yet.
    pub fn named(name: &str) -> Region {
        Region { shared: Arc::new(Shared { name: name.into(), setup: OnceLock::new() }) }
    }

    /// Says where its caches are and how long they keep what they have: once, or again with the same.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if it is configured already with something else, for a name that is not
    /// made of letters, digits, `_` and `-`, and for a key length below 80.
    pub fn configure(&self, options: RegionOptions) -> Result<()> {
        options.check(self.name())?;
        let members = Members::new(self.name(), &options.backend);
        let wanted = Setup { options: options.clone(), members };
        let setup = self.shared.setup.get_or_init(|| Arc::new(wanted));
        if setup.options.is_same(&options) { Ok(()) } else { Err(self.configured_already()) }
    }

    /// Makes this the same region as the one of its name among these.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if none of them has its name, or if it is configured already with something
    /// else.
    pub fn configure_from(&self, regions: &Regions) -> Result<()> {
        let wanted = regions.get(self.name())?.setup()?;
        let setup = self.shared.setup.get_or_init(|| Arc::clone(&wanted));
        if Arc::ptr_eq(setup, &wanted) { Ok(()) } else { Err(self.configured_already()) }
    }

    /// Whether it is configured.
    pub fn is_configured(&self) -> bool {
        self.shared.setup.get().is_some()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// A cache of this region, kept apart from its others by a name. All who ask for one name get the
    /// same cache, with one flight a key and one count. Names come from the program: each cache stays
    /// until the region goes.
    ///
    /// In the back end it is the cache `region.name`.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the region is not configured, and if the cache was asked for with
    /// another type of values.
    pub fn cache<V>(&self, name: &str) -> Result<Cache<V>>
    where
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    {
        self.cache_with_codec(name, Bincode)
    }

    /// The same, with another codec than bincode. It is for the first who asks; others get what is
    /// there.
    ///
    /// # Errors
    ///
    /// As for [`cache`](Region::cache).
    pub fn cache_with_codec<V>(&self, name: &str, codec: impl Codec<V>) -> Result<Cache<V>>
    where
        V: Clone + Send + Sync + 'static,
    {
        let setup = self.setup()?;
        setup.members.cache(name, &setup.options, codec)
    }

    /// From now on, what any cache of this region made until now counts as gone: those of other
    /// processes too, which see it within a second, and those that are not open. It is one record in
    /// the back end, which a look at a value reads along, so it takes no longer for many caches than for
    /// one. The [near](Cache::near) part of a cache believes what it has for its time. The order is that of
    /// a count in that record, so the clocks of hosts need not agree.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the region is not configured; what the store fails with.
    pub fn invalidate(&self) -> Result<()> {
        let setup = self.setup()?;
        setup.members.invalidate(setup.options.time.monotonic())
    }

    /// The same, and what was made until now counts as stale: it is given while a new one is made.
    ///
    /// # Errors
    ///
    /// As for [`invalidate`](Region::invalidate).
    pub fn invalidate_softly(&self) -> Result<()> {
        let setup = self.setup()?;
        setup.members.invalidate_softly(setup.options.time.monotonic())
    }

    fn setup(&self) -> Result<Arc<Setup>> {
        self.shared.setup.get().cloned().ok_or_else(|| {
            Error::config(format!(
                "the region `{}` is not configured yet; call `configure` or `configure_from` when \
                 the program starts",
                self.name()
            ))
        })
    }

    fn configured_already(&self) -> Error {
        Error::config(format!(
            "the region `{}` is configured already, with something else; configure it once, and \
             pass it on",
            self.name()
        ))
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.shared.setup.get().map(|setup| &setup.options);
        f.debug_struct("Region").field("name", &self.name()).field("options", &options).finish()
    }
}
