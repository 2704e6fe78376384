//! [`AsyncRegion`]: caches for asynchronous programs that share settings under a name.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::asynchronous::AsyncCache;
use super::region::{Region, Regions};
use super::region_options::RegionOptions;
use crate::codec::Codec;
use crate::error::Result;

/// Groups caches of an asynchronous program that share settings under a name (feature `tokio`). A clone is
/// the same region.
///
/// An `AsyncRegion` is a [`Region`] that returns [`AsyncCache`]s. It accepts the configuration of a
/// blocking backend too: all its caches then share one limit of [threads](crate::store::OnThreads).
///
/// ```
/// use std::sync::LazyLock;
/// use std::time::Duration;
/// use beaker::AsyncBackend;
/// use beaker::cache::{AsyncRegion, RegionOptions};
///
/// static SHORT_TERM: LazyLock<AsyncRegion> = LazyLock::new(|| AsyncRegion::named("short_term"));
///
/// async fn points(driver: &str) -> beaker::Result<u32> {
///     SHORT_TERM.cache("points")?.get_or_create(driver, || async { 100_u32 }).await
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let minute = Duration::from_secs(60);
/// SHORT_TERM.configure(RegionOptions::for_tasks(AsyncBackend::memory()).ttl(minute))?;
/// assert_eq!(points("Kimi").await?, 100);
/// # Ok::<(), beaker::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct AsyncRegion {
    region: Region,
}

impl AsyncRegion {
    /// Creates a handle for tasks to a region. Both refer to the same region: an invalidation through one
    /// of them is visible through the other.
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::{AsyncRegion, RegionOptions, Regions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let regions = Regions::new([("short_term", RegionOptions::new(Backend::memory()))])?;
    /// let region = AsyncRegion::new(regions.get("short_term")?);
    /// assert!(region.is_configured());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(region: Region) -> AsyncRegion {
        AsyncRegion { region }
    }

    /// Names a region that is not configured yet, like [`Region::named`].
    ///
    /// ```
    /// use beaker::cache::AsyncRegion;
    ///
    /// assert!(!AsyncRegion::named("short_term").is_configured());
    /// ```
    #[must_use]
    pub fn named(name: &str) -> AsyncRegion {
        AsyncRegion::new(Region::named(name))
    }

    /// Sets where the caches of this region are stored and by which rules, like [`Region::configure`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Region::configure`].
    ///
    /// ```
    /// use beaker::AsyncBackend;
    /// use beaker::cache::{AsyncRegion, RegionOptions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let region = AsyncRegion::named("short_term");
    /// region.configure(RegionOptions::for_tasks(AsyncBackend::memory()))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn configure(&self, options: RegionOptions) -> Result<()> {
        self.region.configure(options)
    }

    /// Takes the configuration from the region of the same name in `regions`, like
    /// [`Region::configure_from`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Region::configure_from`].
    ///
    /// ```
    /// use beaker::Backend;
    /// use beaker::cache::{AsyncRegion, RegionOptions, Regions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let regions = Regions::new([("short_term", RegionOptions::new(Backend::memory()))])?;
    /// let region = AsyncRegion::named("short_term");
    /// region.configure_from(&regions)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn configure_from(&self, regions: &Regions) -> Result<()> {
        self.region.configure_from(regions)
    }

    /// Returns whether the region is configured.
    ///
    /// ```
    /// use beaker::cache::AsyncRegion;
    ///
    /// assert!(!AsyncRegion::named("short_term").is_configured());
    /// ```
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.region.is_configured()
    }

    /// Returns the name of the region.
    ///
    /// ```
    /// use beaker::cache::AsyncRegion;
    ///
    /// assert_eq!(AsyncRegion::named("short_term").name(), "short_term");
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        self.region.name()
    }

    /// Returns the cache of this region that has this name, and opens it at the first call, like
    /// [`Region::cache`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Region::cache`].
    ///
    /// ```
    /// use beaker::AsyncBackend;
    /// use beaker::cache::{AsyncRegion, RegionOptions};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let region = AsyncRegion::named("short_term");
    /// region.configure(RegionOptions::for_tasks(AsyncBackend::memory()))?;
    /// region.cache("points")?.put("Kimi", 110_u32).await?;
    /// assert_eq!(region.cache::<u32>("points")?.get("Kimi").await?, Some(110));
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn cache<V>(&self, name: &str) -> Result<AsyncCache<V>>
    where
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let setup = self.region.setup()?;
        let engine = setup.members.values(name, &setup.options)?;
        Ok(AsyncCache { engine: engine.for_tasks(|_| setup.backend_for_tasks().clone()) })
    }

    /// Returns a cache of this region, like [`cache`](AsyncRegion::cache), but with another codec than
    /// bincode.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Region::cache`].
    ///
    /// ```
    /// use beaker::AsyncBackend;
    /// use beaker::cache::{AsyncCache, AsyncRegion, RegionOptions};
    /// use beaker::codec::Json;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let region = AsyncRegion::named("short_term");
    /// region.configure(RegionOptions::for_tasks(AsyncBackend::memory()))?;
    /// let points: AsyncCache<u32> = region.cache_with_codec("points", Json)?;
    /// # let _ = points;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cache_with_codec<V>(&self, name: &str, codec: impl Codec<V>) -> Result<AsyncCache<V>>
    where
        V: Clone + Send + Sync + 'static,
    {
        let setup = self.region.setup()?;
        let engine = setup.members.cache(name, &setup.options, codec)?;
        Ok(AsyncCache { engine: engine.for_tasks(|_| setup.backend_for_tasks().clone()) })
    }

    /// Returns a cache of this region that stores its values in memory without a codec, like
    /// [`Region::objects`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Region::objects`].
    ///
    /// ```
    /// use std::sync::Arc;
    /// use beaker::cache::{AsyncRegion, RegionOptions};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let region = AsyncRegion::named("short_term");
    /// region.configure(RegionOptions::in_memory(1_000))?;
    /// let names = region.objects::<Arc<str>>("names")?;
    /// names.put(6_u8, Arc::<str>::from("Kimi")).await?;
    /// assert_eq!(names.get(6_u8).await?.as_deref(), Some("Kimi"));
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn objects<V: Clone + Send + Sync + 'static>(&self, name: &str) -> Result<AsyncCache<V>> {
        let setup = self.region.setup()?;
        let engine = setup.members.objects(name, &setup.options)?;
        Ok(AsyncCache { engine: engine.for_tasks(|_| setup.backend_for_tasks().clone()) })
    }

    /// Invalidates all values of all caches of this region, like [`Region::invalidate`].
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if the region is not configured, or any error of the store.
    ///
    /// ```
    /// use beaker::AsyncBackend;
    /// use beaker::cache::{AsyncRegion, RegionOptions};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let region = AsyncRegion::named("short_term");
    /// region.configure(RegionOptions::for_tasks(AsyncBackend::memory()))?;
    /// let points = region.cache::<u32>("points")?;
    /// points.put("Kimi", 110_u32).await?;
    /// region.invalidate().await?;
    /// assert_eq!(points.get("Kimi").await?, None);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "invalidate_all")]
    pub async fn invalidate(&self) -> Result<()> {
        let setup = self.region.setup()?;
        if setup.members.invalidate_shared(false, &setup.options) {
            return Ok(());
        }
        if setup.options.objects.is_some() {
            return setup.members.invalidate_objects(false).await;
        }
        let now = setup.options.time.monotonic();
        let store = setup.backend_for_tasks().store.clone();
        setup.members.invalidate(&setup.members.invalidations.through(store), now).await
    }

    /// Invalidates all values of all caches of this region softly, like [`Region::invalidate_softly`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`invalidate`](AsyncRegion::invalidate).
    ///
    /// ```
    /// use beaker::AsyncBackend;
    /// use beaker::cache::{AsyncRegion, RegionOptions};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let region = AsyncRegion::named("short_term");
    /// region.configure(RegionOptions::for_tasks(AsyncBackend::memory()))?;
    /// let points = region.cache::<u32>("points")?;
    /// points.put("Kimi", 110_u32).await?;
    /// region.invalidate_softly().await?;
    /// assert_eq!(points.get("Kimi").await?, None, "the value is stale");
    /// assert!(points.peek("Kimi").await?.is_some());
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn invalidate_softly(&self) -> Result<()> {
        let setup = self.region.setup()?;
        if setup.members.invalidate_shared(true, &setup.options) {
            return Ok(());
        }
        if setup.options.objects.is_some() {
            return setup.members.invalidate_objects(true).await;
        }
        let now = setup.options.time.monotonic();
        let store = setup.backend_for_tasks().store.clone();
        setup.members.invalidations.through(store).invalidate_softly(now).await
    }
}

/// The same regions, for tasks.
impl Regions {
    /// Returns the region of this name for tasks, like [`get`](Regions::get) does for threads.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`get`](Regions::get).
    ///
    /// ```
    /// use beaker::AsyncBackend;
    /// use beaker::cache::{RegionOptions, Regions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let regions = Regions::new([("short_term", RegionOptions::for_tasks(AsyncBackend::memory()))])?;
    /// assert_eq!(regions.get_async("short_term")?.name(), "short_term");
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_async(&self, name: &str) -> Result<AsyncRegion> {
        self.get(name).map(AsyncRegion::new)
    }
}

impl From<Region> for AsyncRegion {
    fn from(region: Region) -> AsyncRegion {
        AsyncRegion::new(region)
    }
}

impl fmt::Debug for AsyncRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncRegion").field(&self.region).finish()
    }
}
