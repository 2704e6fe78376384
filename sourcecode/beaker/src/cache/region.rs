//! [`Region`]: caches of one kind, known by a name before anybody knows where they are kept.

use std::any::{Any, type_name};
use std::collections::{BTreeMap, HashMap, btree_map};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::api::Cache;
use super::engine::{Engine, OnDrop};
use super::freshness::Time;
use super::policy::{OnStoreFailure, Policy};
use super::shared_invalidations::SharedInvalidations;
use super::storage::Place;
use crate::backend::{AnyBackend, Backend};
use crate::clock::Clock;
use crate::codec::{Bincode, Codec};
use crate::error::{Error, Result};
use crate::lock::AnyLocks;
use crate::nearest::nearest;
use crate::store::AnyStore;
use crate::world::{World, finish};

/// Gives a name to caches of one kind, and says where they are kept and how long. A clone is the same
/// region.
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
/// SHORT_TERM.configure(RegionOptions::new(Backend::memory()).ttl(minute))?;
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
pub(super) struct Setup {
    pub(super) options: RegionOptions,
    pub(super) members: Members,
    /// The back end for tasks, if it was asked for.
    #[cfg(feature = "tokio")]
    for_tasks: OnceLock<AnyBackend>,
}

impl Setup {
    fn new(name: &str, options: RegionOptions) -> Setup {
        let members = Members::new(name, &options.backend);
        #[cfg(feature = "tokio")]
        let for_tasks = OnceLock::new();
        Setup {
            options,
            members,
            #[cfg(feature = "tokio")]
            for_tasks,
        }
    }

    /// One for all caches of the region, which share its bound of threads.
    #[cfg(feature = "tokio")]
    pub(super) fn backend_for_tasks(&self) -> &AnyBackend {
        self.for_tasks.get_or_init(|| super::asynchronous::for_tasks(&self.options.backend))
    }
}

impl Region {
    /// Names a region that is not configured yet.
    ///
    /// ```
    /// use beaker::cache::Region;
    ///
    /// let region = Region::named("short_term");
    /// assert!(!region.is_configured());
    /// ```
    pub fn named(name: &str) -> Region {
        Region { shared: Arc::new(Shared { name: name.into(), setup: OnceLock::new() }) }
    }

    /// Sets where its caches are and how long they keep what they have: once, or again with the same
    /// options.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if it is configured already with something else, for a name that is not made of
    /// letters, digits, `_` and `-`, and for a key length below 80.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::{Region, RegionOptions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let region = Region::named("short_term");
    /// region.configure(RegionOptions::new(Backend::memory()))?;
    /// assert!(region.configure(RegionOptions::new(Backend::memory())).is_err(), "another store");
    /// # Ok(())
    /// # }
    /// ```
    pub fn configure(&self, options: RegionOptions) -> Result<()> {
        options.check(self.name())?;
        let wanted = || Arc::new(Setup::new(self.name(), options.clone()));
        let setup = self.shared.setup.get_or_init(wanted);
        if setup.options.is_same(&options) { Ok(()) } else { Err(self.configured_already()) }
    }

    /// Makes this the same region as the one of its name among these.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if none of them has its name, or if it is configured already with something else.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::{Region, RegionOptions, Regions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let regions = Regions::new([("short_term", RegionOptions::new(Backend::memory()))])?;
    /// let region = Region::named("short_term");
    /// region.configure_from(&regions)?;
    /// region.cache("points")?.put("Kimi", 110_u32)?;
    /// assert_eq!(regions.get("short_term")?.cache::<u32>("points")?.get("Kimi")?, Some(110));
    /// # Ok(())
    /// # }
    /// ```
    pub fn configure_from(&self, regions: &Regions) -> Result<()> {
        let wanted = regions.get(self.name())?.setup()?;
        let setup = self.shared.setup.get_or_init(|| Arc::clone(&wanted));
        if Arc::ptr_eq(setup, &wanted) { Ok(()) } else { Err(self.configured_already()) }
    }

    /// Returns whether it is configured.
    ///
    /// ```
    /// use beaker::cache::Region;
    ///
    /// assert!(!Region::named("short_term").is_configured());
    /// ```
    pub fn is_configured(&self) -> bool {
        self.shared.setup.get().is_some()
    }

    /// Returns its name.
    ///
    /// ```
    /// use beaker::cache::Region;
    ///
    /// assert_eq!(Region::named("short_term").name(), "short_term");
    /// ```
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Returns a cache of this region, kept apart from its others by a name.
    ///
    /// All who ask for one name get the same cache, with one flight a key and one count. In the back end
    /// it is the cache `region.name`. Names come from the program: each cache stays until the region
    /// goes.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the region is not configured, and if the cache was asked for with another type of
    /// values.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::{Region, RegionOptions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let region = Region::named("short_term");
    /// region.configure(RegionOptions::new(Backend::memory()))?;
    /// region.cache("points")?.put("Kimi", 110_u32)?;
    /// assert_eq!(region.cache::<u32>("points")?.get("Kimi")?, Some(110));
    /// assert!(region.cache::<String>("points").is_err(), "it holds numbers");
    /// # Ok(())
    /// # }
    /// ```
    pub fn cache<V>(&self, name: &str) -> Result<Cache<V>>
    where
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    {
        self.cache_with_codec(name, Bincode)
    }

    /// Returns a cache of this region, as [`cache`](Region::cache), with another codec than bincode. The
    /// codec is that of the first call; later ones get the cache that is there.
    ///
    /// # Errors
    ///
    /// Those of [`cache`](Region::cache).
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::{Cache, Region, RegionOptions};
    /// use beaker::codec::Json;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let region = Region::named("short_term");
    /// region.configure(RegionOptions::new(Backend::memory()))?;
    /// let points: Cache<u32> = region.cache_with_codec("points", Json)?;
    /// points.put("Kimi", 110_u32)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cache_with_codec<V>(&self, name: &str, codec: impl Codec<V>) -> Result<Cache<V>>
    where
        V: Clone + Send + Sync + 'static,
    {
        let setup = self.setup_for_threads()?;
        Ok(Cache { engine: setup.members.cache(name, &setup.options, codec)? })
    }

    /// Invalidates all values of all caches of this region: what was made until now counts as gone, also
    /// in caches of other processes, which see it within a second, and in those that are not open.
    ///
    /// It is one record in the back end, which a look at a value reads along, so it takes no longer for
    /// many caches than for one. A [local tier](Cache::local_tier) believes what it has for its time. The
    /// order is that of a count in that record, so the clocks of hosts need not agree.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the region is not configured; what the store fails with.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::{Region, RegionOptions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let region = Region::named("short_term");
    /// region.configure(RegionOptions::new(Backend::memory()))?;
    /// let points = region.cache::<u32>("points")?;
    /// points.put("Kimi", 110_u32)?;
    /// region.invalidate()?;
    /// assert_eq!(points.get("Kimi")?, None);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "invalidate_all")]
    pub fn invalidate(&self) -> Result<()> {
        let setup = self.setup_for_threads()?;
        let members = &setup.members;
        finish(members.invalidate(&members.invalidations, setup.options.time.monotonic()))
    }

    /// Invalidates all values of all caches of this region softly: what was made until now counts as
    /// stale, and is given while a new one is made.
    ///
    /// # Errors
    ///
    /// Those of [`invalidate`](Region::invalidate).
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::{Region, RegionOptions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let region = Region::named("short_term");
    /// region.configure(RegionOptions::new(Backend::memory()))?;
    /// let points = region.cache::<u32>("points")?;
    /// points.put("Kimi", 110_u32)?;
    /// region.invalidate_softly()?;
    /// assert_eq!(points.get("Kimi")?, None, "none that is fresh");
    /// assert!(points.peek("Kimi")?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn invalidate_softly(&self) -> Result<()> {
        let setup = self.setup_for_threads()?;
        let now = setup.options.time.monotonic();
        finish(setup.members.invalidations.invalidate_softly(now))
    }

    fn setup_for_threads(&self) -> Result<Arc<Setup>> {
        let setup = self.setup()?;
        match setup.options.backend.world() {
            World::Threads => Ok(setup),
            #[cfg(feature = "tokio")]
            World::Tasks => Err(Error::config(format!(
                "the back end of the region `{}` is for asynchronous programs; ask an `AsyncRegion`, which \
                 can be made of this one",
                self.name()
            ))),
        }
    }

    pub(super) fn setup(&self) -> Result<Arc<Setup>> {
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

/// A hash and what is kept before it need so much room.
const SHORTEST_KEY_LENGTH: usize = 80;

/// Says where the caches of a region are kept, and by which rules.
#[derive(Debug, Clone)]
pub struct RegionOptions {
    backend: AnyBackend,
    pub(super) policy: Policy,
    key_length: Option<usize>,
    pub(super) time: Time,
}

impl RegionOptions {
    /// Takes the back end of the caches. They keep what they have for ever, until an option says
    /// otherwise.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::Backend;
    /// use beaker::cache::RegionOptions;
    ///
    /// let options = RegionOptions::new(Backend::memory()).ttl(Duration::from_secs(60));
    /// # let _ = options;
    /// ```
    pub fn new(backend: Backend) -> RegionOptions {
        RegionOptions::of(backend.into())
    }

    /// Takes the back end of the caches of an asynchronous program: those of an
    /// [`AsyncRegion`](super::AsyncRegion).
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::AsyncBackend;
    /// use beaker::cache::RegionOptions;
    ///
    /// let options = RegionOptions::for_tasks(AsyncBackend::memory()).ttl(Duration::from_secs(60));
    /// # let _ = options;
    /// ```
    #[cfg(feature = "tokio")]
    pub fn for_tasks(backend: impl Into<crate::backend::AsyncBackend>) -> RegionOptions {
        RegionOptions::of(backend.into().0)
    }

    fn of(backend: AnyBackend) -> RegionOptions {
        RegionOptions { backend, policy: Policy::default(), key_length: None, time: Time::System }
    }

    /// Sets how long a value is fresh. Default: for ever. See [`Cache::ttl`].
    #[doc(alias("expire", "expiration_time"))]
    pub fn ttl(mut self, time: Duration) -> RegionOptions {
        self.policy.ttl = Some(time);
        self
    }

    /// Sets for how long after its expiry a value may be given. Default: zero. See [`Cache::stale_for`].
    pub fn stale_for(mut self, time: Duration) -> RegionOptions {
        self.policy.stale_for = time;
        self
    }

    /// Lets values expire sooner by chance, by up to this part (0 to 1). Default: 0. See
    /// [`Cache::jitter`].
    pub fn jitter(mut self, part: f64) -> RegionOptions {
        self.policy.set_jitter(part);
        self
    }

    /// Makes values anew before they expire, by chance. Default: 0. See [`Cache::refresh_early`].
    pub fn refresh_early(mut self, eagerness: f64) -> RegionOptions {
        self.policy.set_eagerness(eagerness);
        self
    }

    /// Sets what a call does when the store fails. Default: [`OnStoreFailure::Fail`]. See
    /// [`Cache::on_store_failure`].
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::{OnStoreFailure, RegionOptions};
    ///
    /// let options = RegionOptions::new(Backend::memory()).on_store_failure(OnStoreFailure::Bypass);
    /// # let _ = options;
    /// ```
    #[doc(alias("fail_open", "ignore_exceptions"))]
    pub fn on_store_failure(mut self, then: OnStoreFailure) -> RegionOptions {
        self.policy.on_store_failure = then;
        self
    }

    /// Limits the length of keys, in bytes: a longer one is shortened to its beginning and a hash. At
    /// least 80. Default: no limit; a store shortens what is too long for it.
    pub fn key_length(mut self, longest: usize) -> RegionOptions {
        self.key_length = Some(longest);
        self
    }

    /// Sets the clock. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> RegionOptions {
        self.time = Time::Of(clock);
        self
    }

    fn check(&self, region: &str) -> Result<()> {
        let is_fit = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        if region.is_empty() || !region.chars().all(is_fit) {
            let what =
                format!("the region `{region}` cannot be configured: its name goes into keys");
            return Err(Error::config(what + "; it has letters, digits, `_` and `-`"));
        }
        match self.key_length {
            Some(length) if length < SHORTEST_KEY_LENGTH => Err(Error::config(format!(
                "the region `{region}` has a `key_length` of {length} bytes, and needs \
                 {SHORTEST_KEY_LENGTH} at least"
            ))),
            _ => Ok(()),
        }
    }

    /// Whether caches of both would be the same.
    fn is_same(&self, other: &RegionOptions) -> bool {
        is_same(&self.backend, &other.backend)
            && self.key_length == other.key_length
            && self.policy.gives_same(&other.policy)
    }
}

fn is_same(one: &AnyBackend, other: &AnyBackend) -> bool {
    let is_same_store = match (&one.store, &other.store) {
        (AnyStore::Blocking(one), AnyStore::Blocking(other)) => Arc::ptr_eq(one, other),
        #[cfg(feature = "tokio")]
        (AnyStore::Async(one), AnyStore::Async(other)) => Arc::ptr_eq(one, other),
        #[cfg(feature = "tokio")]
        _ => false,
    };
    is_same_store
        && match (&one.locks, &other.locks) {
            (AnyLocks::Blocking(one), AnyLocks::Blocking(other)) => Arc::ptr_eq(one, other),
            #[cfg(feature = "tokio")]
            (AnyLocks::Async(one), AnyLocks::Async(other)) => Arc::ptr_eq(one, other),
            #[cfg(feature = "tokio")]
            _ => false,
        }
}

/// Holds the regions of a program, by name: a value to pass on. A clone has the same regions.
/// `CacheConfig::open` makes one of the [settings](crate::config).
#[derive(Debug, Clone, Default)]
pub struct Regions {
    by_name: BTreeMap<Box<str>, Region>,
}

impl Regions {
    /// Configures regions of these names with these options.
    ///
    /// # Errors
    ///
    /// Those of [`Region::configure`]; `ErrorKind::Config` for a name that comes twice.
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::Backend;
    /// use beaker::cache::{RegionOptions, Regions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let backend = Backend::memory();
    /// let minute = RegionOptions::new(backend.clone()).ttl(Duration::from_secs(60));
    /// let regions = Regions::new([("short_term", minute), ("long_term", RegionOptions::new(backend))])?;
    /// assert_eq!(regions.iter().count(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new<'a>(all: impl IntoIterator<Item = (&'a str, RegionOptions)>) -> Result<Regions> {
        let mut regions = Regions::default();
        for (name, options) in all {
            let region = Region::named(name);
            region.configure(options)?;
            if regions.by_name.insert(name.into(), region).is_some() {
                return Err(Error::config(format!("the region `{name}` is there twice")));
            }
        }
        Ok(regions)
    }

    /// Returns the region of this name.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if there is none; the message names those there are.
    pub fn get(&self, name: &str) -> Result<Region> {
        self.by_name.get(name).cloned().ok_or_else(|| self.unknown(name))
    }

    /// Iterates over the regions, sorted by their names.
    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.by_name.values()
    }

    fn unknown(&self, name: &str) -> Error {
        let names = || self.by_name.keys().map(|name| &**name);
        let what = format!("there is no region `{name}`");
        Error::config(match (nearest(name, names()), self.by_name.is_empty()) {
            (_, true) => what + "; there are none: name it in `cache.regions`",
            (Some(near), _) => format!("{what}; did you mean `{near}`?{}", all(names())),
            (None, _) => format!("{what};{}", all(names())),
        })
    }
}

fn all<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    format!(" there are {}", names.join(", "))
}

impl<'a> IntoIterator for &'a Regions {
    type Item = &'a Region;
    type IntoIter = btree_map::Values<'a, Box<str>, Region>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_name.values()
    }
}

pub(super) struct Members {
    region: Box<str>,
    pub(super) invalidations: Arc<SharedInvalidations>,
    /// Nothing slow is done while this is locked.
    opened: Mutex<HashMap<Box<str>, Box<dyn Member>>>,
}

/// A cache of some type of values.
trait Member: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn of(&self) -> &'static str;
    fn cancel(&self);
}

impl<V: Clone + Send + Sync + 'static> Member for Engine<V> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn of(&self) -> &'static str {
        type_name::<V>()
    }

    fn cancel(&self) {
        self.cancel_all();
    }
}

impl Members {
    fn new(region: &str, backend: &AnyBackend) -> Members {
        let all = SharedInvalidations::of_region(backend.store.clone(), region);
        Members { region: region.into(), invalidations: Arc::new(all), opened: Mutex::default() }
    }

    /// The cache of this name, opened if it is not yet.
    pub(super) fn cache<V: Clone + Send + Sync + 'static>(
        &self,
        name: &str,
        options: &RegionOptions,
        codec: impl Codec<V>,
    ) -> Result<Engine<V>> {
        let mut opened = self.lock();
        if let Some(member) = opened.get(name) {
            let same = member.as_any().downcast_ref::<Engine<V>>().cloned();
            return same.ok_or_else(|| self.of_another_type(name, member.of(), type_name::<V>()));
        }
        let region = Some(Arc::clone(&self.invalidations));
        let place = Place { region, key_length: options.key_length };
        let in_backend = format!("{}.{name}", self.region);
        let mut cache = Engine::placed(options.backend.clone(), &in_backend, codec, place);
        if let Some((capacity, time)) = options.policy.local_tier {
            cache = cache.local_tier(capacity, time);
        }
        cache.policy = options.policy.clone();
        cache.time = options.time.clone();
        opened.insert(name.into(), Box::new(cache.clone()));
        Ok(cache)
    }

    /// Invalidates through this way to the store.
    pub(super) async fn invalidate(
        &self,
        invalidations: &SharedInvalidations,
        now: Duration,
    ) -> Result<()> {
        self.cancel_all();
        // A flight that began in between may have seen what was there before.
        let _cancelled = OnDrop(|| self.cancel_all());
        invalidations.invalidate(now).await
    }

    fn cancel_all(&self) {
        self.lock().values().for_each(|member| member.cancel());
    }

    fn of_another_type(&self, name: &str, there: &str, wanted: &str) -> Error {
        let what = format!("the cache `{name}` of the region `{}` holds `{there}`", self.region);
        Error::config(format!("{what} in this program, and not `{wanted}`; give it another name"))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Box<dyn Member>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
