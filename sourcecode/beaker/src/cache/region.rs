//! [`Region`]: caches that share settings under a name. Code can use the name before it is configured.

use std::any::{Any, type_name};
use std::collections::{BTreeMap, HashMap, btree_map};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::api::Cache;
use super::engine::{Engine, OnDrop};
use super::memory_options::MemoryOptions;
#[cfg(feature = "python")]
use super::python::SharedRegion;
use super::region_options::RegionOptions;
use super::shared_invalidations::SharedInvalidations;
use super::storage::Place;
#[cfg(feature = "tokio")]
use crate::backend::AnyBackend;
use crate::codec::{Bincode, Codec};
use crate::error::{Error, Result};
use crate::nearest::nearest;
use crate::world::{World, finish};

/// Groups caches that share settings under a name, such as the backend and the time to live. A clone is the
/// same region.
///
/// Code can name a region before it is configured. The program configures it when it starts, either in code
/// or from its [settings](crate::config):
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

/// The parts of a configured region.
pub(super) struct Setup {
    pub(super) options: RegionOptions,
    pub(super) members: Members,
    /// The backend for tasks, if a task has used the region.
    #[cfg(feature = "tokio")]
    for_tasks: OnceLock<AnyBackend>,
}

impl Setup {
    fn new(name: &str, options: RegionOptions) -> Result<Setup> {
        let members = Members::new(name, &options)?;
        #[cfg(feature = "tokio")]
        let for_tasks = OnceLock::new();
        Ok(Setup {
            options,
            members,
            #[cfg(feature = "tokio")]
            for_tasks,
        })
    }

    /// Returns one backend for all caches of the region, because they share its limit of threads.
    #[cfg(feature = "tokio")]
    pub(super) fn backend_for_tasks(&self) -> &AnyBackend {
        self.for_tasks.get_or_init(|| self.members.backend_for_tasks(&self.options.backend))
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
    #[must_use]
    pub fn named(name: &str) -> Region {
        Region { shared: Arc::new(Shared { name: name.into(), setup: OnceLock::new() }) }
    }

    /// Sets where the caches of this region are stored and by which rules. A second call is allowed only
    /// with the same options.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the region already has other options, if its name contains anything
    /// but letters, digits, `_` and `-`, or if the key length is below 80.
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
        let setup = match self.shared.setup.get() {
            Some(setup) => setup,
            None => {
                let wanted = Arc::new(Setup::new(self.name(), options.clone())?);
                self.shared.setup.get_or_init(|| wanted)
            }
        };
        if setup.options.is_same(&options) { Ok(()) } else { Err(self.configured_already()) }
    }

    /// Takes the configuration from the region of the same name in `regions`.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if `regions` has no region of this name, or if this region already has
    /// other options.
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

    /// Returns whether the region is configured.
    ///
    /// ```
    /// use beaker::cache::Region;
    ///
    /// assert!(!Region::named("short_term").is_configured());
    /// ```
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.shared.setup.get().is_some()
    }

    /// Returns the name of the region.
    ///
    /// ```
    /// use beaker::cache::Region;
    ///
    /// assert_eq!(Region::named("short_term").name(), "short_term");
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Returns the cache of this region that has this name, and opens it at the first call.
    ///
    /// All calls with the same name return the same cache, which shares its running loaders and statistics.
    /// In the backend, the cache is named `region.name`. Use a fixed set of names that your program
    /// defines, because each cache stays open as long as the region exists.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the region is not configured, or if the cache was opened before with
    /// another type of values.
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
        let setup = self.setup_for_threads()?;
        Ok(Cache { engine: setup.members.values(name, &setup.options)? })
    }

    /// Returns a cache of this region, like [`cache`](Region::cache), but with another codec than bincode.
    /// The first call decides the codec; later calls return the cache that is already open.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`cache`](Region::cache).
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

    /// Returns a cache of this region that stores its values in the memory of this process without a codec.
    /// Values may have any type, such as `Arc<T>`.
    ///
    /// The region must be configured for this, with [`RegionOptions::in_memory`] or with `objects` in the
    /// [settings](crate::config). Apart from that, the method behaves like [`cache`](Region::cache).
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the region is not configured, if it keeps its values in a store, or
    /// if the cache was opened before with another type of values.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use beaker::Backend;
    /// use beaker::cache::{Region, RegionOptions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let region = Region::named("short_term");
    /// region.configure(RegionOptions::in_memory(1_000))?;
    /// let names = region.objects::<Arc<str>>("names")?;
    /// names.put(6_u8, Arc::<str>::from("Kimi"))?;
    /// assert_eq!(names.get(6_u8)?.as_deref(), Some("Kimi"));
    ///
    /// let stored = Region::named("long_term");
    /// stored.configure(RegionOptions::new(Backend::memory()))?;
    /// assert!(stored.objects::<Arc<str>>("names").is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn objects<V: Clone + Send + Sync + 'static>(&self, name: &str) -> Result<Cache<V>> {
        let setup = self.setup_for_threads()?;
        Ok(Cache { engine: setup.members.objects(name, &setup.options)? })
    }

    /// Invalidates all values of all caches of this region: values computed so far count as missing. This
    /// also applies to caches that are not open, and to other processes, which see the invalidation within
    /// a second.
    ///
    /// The invalidation is one record in the backend, which each lookup reads together with the value.
    /// Therefore it is as fast for many caches as for one. A [local tier](Cache::local_tier) may still
    /// return its values until their time there ends. Invalidations are ordered by a count in that record,
    /// so the clocks of hosts need not agree.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the region is not configured, or any error of the store.
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
        if members.invalidate_shared(false, &setup.options) {
            return Ok(());
        }
        match setup.options.objects {
            Some(_) => finish(members.invalidate_objects(false)),
            None => {
                let now = setup.options.time.monotonic();
                finish(members.invalidate(&members.invalidations, now))
            }
        }
    }

    /// Invalidates all values of all caches of this region softly: values computed so far count as stale,
    /// so that they are still returned while a new value is computed.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`invalidate`](Region::invalidate).
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
    /// assert_eq!(points.get("Kimi")?, None, "the value is stale");
    /// assert!(points.peek("Kimi")?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn invalidate_softly(&self) -> Result<()> {
        let setup = self.setup_for_threads()?;
        let now = setup.options.time.monotonic();
        if setup.members.invalidate_shared(true, &setup.options) {
            return Ok(());
        }
        match setup.options.objects {
            Some(_) => finish(setup.members.invalidate_objects(true)),
            None => finish(setup.members.invalidations.invalidate_softly(now)),
        }
    }

    fn setup_for_threads(&self) -> Result<Arc<Setup>> {
        let setup = self.setup()?;
        match setup.options.backend.world() {
            World::Threads => Ok(setup),
            #[cfg(feature = "tokio")]
            World::Tasks => Err(Error::config(format!(
                "the backend of the region `{}` is for asynchronous programs; ask an `AsyncRegion`, which \
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

/// Holds the regions of a program by name, to be passed to its parts. A clone has the same regions.
/// `CacheConfig::open` creates it from the [settings](crate::config).
#[derive(Debug, Clone, Default)]
pub struct Regions {
    by_name: BTreeMap<Box<str>, Region>,
}

impl Regions {
    /// Creates and configures a region for each name and its options.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Region::configure`], and `ErrorKind::Config` if a name occurs twice.
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
    /// Returns `ErrorKind::Config` if there is no such region; the message lists the names that exist.
    pub fn get(&self, name: &str) -> Result<Region> {
        self.by_name.get(name).cloned().ok_or_else(|| self.unknown(name))
    }

    /// Iterates over the regions, sorted by name.
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
    /// Held only for short operations.
    opened: Mutex<HashMap<Box<str>, Arc<dyn Member>>>,
    /// What Python shares.
    #[cfg(feature = "python")]
    shared: Option<SharedRegion>,
}

/// A cache of the region, whatever the type of its values.
trait Member: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn of(&self) -> &'static str;
    fn cancel(&self);
    /// Used for caches that store values in memory without a codec.
    fn invalidate(&self, is_soft: bool) -> Result<()>;
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

    fn invalidate(&self, is_soft: bool) -> Result<()> {
        match is_soft {
            true => finish(self.invalidate_softly()),
            false => finish(self.invalidate()),
        }
    }
}

impl Members {
    fn new(region: &str, options: &RegionOptions) -> Result<Members> {
        let all = SharedInvalidations::of_region(options.backend.store.clone(), region);
        Ok(Members {
            region: region.into(),
            invalidations: Arc::new(all),
            opened: Mutex::default(),
            #[cfg(feature = "python")]
            shared: SharedRegion::open(region, options)?,
        })
    }

    #[cfg(feature = "tokio")]
    fn backend_for_tasks(&self, backend: &AnyBackend) -> AnyBackend {
        #[cfg(feature = "python")]
        if let Some(shared) = &self.shared {
            return shared.backend_for_tasks();
        }
        super::asynchronous::for_tasks(backend)
    }

    /// Returns the cache of this name, of values that serde encodes, and opens it if it is not open yet.
    pub(super) fn values<V>(&self, name: &str, options: &RegionOptions) -> Result<Engine<V>>
    where
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    {
        self.open(name, options, || {
            #[cfg(feature = "python")]
            if let Some(shared) = &self.shared {
                return Ok(shared.cache(name, &self.full_name(name), options));
            }
            Ok(self.in_store(name, options, Bincode))
        })
    }

    /// Does the same for values that this codec encodes.
    pub(super) fn cache<V: Clone + Send + Sync + 'static>(
        &self,
        name: &str,
        options: &RegionOptions,
        codec: impl Codec<V>,
    ) -> Result<Engine<V>> {
        self.open(name, options, || {
            #[cfg(feature = "python")]
            if let Some(shared) = &self.shared {
                return shared.cache_of(name, &self.full_name(name), options, codec);
            }
            Ok(self.in_store(name, options, codec))
        })
    }

    /// Does the same for values that are not encoded.
    pub(super) fn objects<V: Clone + Send + Sync + 'static>(
        &self,
        name: &str,
        options: &RegionOptions,
    ) -> Result<Engine<V>> {
        self.open(name, options, || Err(self.in_bytes(name)))
    }

    fn open<V: Clone + Send + Sync + 'static>(
        &self,
        name: &str,
        options: &RegionOptions,
        in_store: impl FnOnce() -> Result<Engine<V>>,
    ) -> Result<Engine<V>> {
        let mut opened = self.lock();
        if let Some(member) = opened.get(name) {
            let same = member.as_any().downcast_ref::<Engine<V>>().cloned();
            return same.ok_or_else(|| self.of_another_type(name, member.of(), type_name::<V>()));
        }
        let mut cache = match options.objects {
            Some(capacity) => {
                let memory = MemoryOptions::new(capacity);
                #[cfg(feature = "metrics")]
                let memory = memory.name(&self.full_name(name));
                Engine::in_memory(memory, World::Threads)
            }
            None => in_store()?,
        };
        if let (None, Some((capacity, time))) = (options.objects, options.policy.local_tier) {
            cache = cache.local_tier(capacity, time);
        }
        cache.policy = options.policy.clone();
        cache.time = options.time.clone();
        opened.insert(name.into(), Arc::new(cache.clone()));
        Ok(cache)
    }

    fn in_store<V: Clone + Send + Sync + 'static>(
        &self,
        name: &str,
        options: &RegionOptions,
        codec: impl Codec<V>,
    ) -> Engine<V> {
        let place = Place {
            region: Some(Arc::clone(&self.invalidations)),
            key_mangler: options.key_mangler.0.clone(),
            key_length: options.key_length,
        };
        Engine::placed(options.backend.clone(), &self.full_name(name), codec, place)
    }

    /// Invalidates the caches that Python shares, for this process. Returns whether they are.
    pub(super) fn invalidate_shared(&self, is_soft: bool, options: &RegionOptions) -> bool {
        #[cfg(feature = "python")]
        if let Some(shared) = &self.shared {
            let cancel = || {
                if !is_soft {
                    self.cancel_all();
                }
            };
            cancel();
            shared.invalidate(is_soft, options.time.now());
            // A loader that began in between may have read data from before the invalidation.
            cancel();
            return true;
        }
        let _ = (is_soft, options);
        false
    }

    fn full_name(&self, name: &str) -> String {
        format!("{}.{name}", self.region)
    }

    /// Invalidates the open caches that store values in memory without a codec.
    pub(super) async fn invalidate_objects(&self, is_soft: bool) -> Result<()> {
        let opened: Vec<_> = self.lock().values().cloned().collect();
        for member in opened {
            member.invalidate(is_soft)?;
        }
        Ok(())
    }

    /// Invalidates all caches through this handle to the store.
    pub(super) async fn invalidate(
        &self,
        invalidations: &SharedInvalidations,
        now: Duration,
    ) -> Result<()> {
        self.cancel_all();
        // A loader that began in between may have read data from before the invalidation.
        let _cancelled = OnDrop(|| self.cancel_all());
        invalidations.invalidate(now).await
    }

    fn cancel_all(&self) {
        self.lock().values().for_each(|member| member.cancel());
    }

    fn in_bytes(&self, name: &str) -> Error {
        Error::config(format!(
            "the region `{}` keeps bytes in a store, and `objects` asks for the cache `{name}` of what is \
             not encoded; ask `cache`, or configure the region with `RegionOptions::in_memory` (in the \
             settings: `type = memory` and `objects = true`)",
            self.region
        ))
    }

    fn of_another_type(&self, name: &str, there: &str, wanted: &str) -> Error {
        let what = format!("the cache `{name}` of the region `{}` holds `{there}`", self.region);
        Error::config(format!("{what} in this program, and not `{wanted}`; give it another name"))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<dyn Member>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
