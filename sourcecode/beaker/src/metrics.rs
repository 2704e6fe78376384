//! Publishes metrics about sessions and caches, for Prometheus and similar systems (feature `metrics`).
//!
//! The metrics go through the facade crate [`metrics`](https://docs.rs/metrics): the program installs a
//! recorder, such as that of `metrics-exporter-prometheus`, and the library reports to it. Call [`publish`]
//! once after that, and again each time before the metrics are read.
//!
//! ```
//! use beaker::cache::{Cache, MemoryOptions};
//! use metrics_exporter_prometheus::PrometheusBuilder;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let recorder = PrometheusBuilder::new().install_recorder()?;
//! beaker::metrics::publish();
//!
//! let points: Cache<u32> = Cache::in_memory_with(MemoryOptions::new(1_000).name("points"));
//! points.get_or_create("Kimi", || 110_u32)?;
//! points.get_or_create("Kimi", || 110_u32)?;
//!
//! // What the program's page `/metrics` does.
//! beaker::metrics::publish();
//! let page = recorder.render();
//! assert!(page.contains(r#"beaker_cache_requests_total{cache="points",result="hit"} 1"#));
//! # Ok(())
//! # }
//! ```
//!
//! # The metrics
//!
//! | name | kind | labels | unit | meaning |
//! |---|---|---|---|---|
//! | `beaker_session_load_seconds` | histogram | `result`: `found`, `new`, `rejected`, `error` | seconds | How long it took to load a session. With `new`, the request had no session cookie, so the store was not asked. |
//! | `beaker_session_save_seconds` | histogram | `result`: `saved`, `gone`, `error` | seconds | How long it took to save a session. With `gone`, the session had ended meanwhile. |
//! | `beaker_session_touches_total` | counter | | | Accesses that were noted without a save. |
//! | `beaker_session_conflicts_total` | counter | | | Attempts to save that failed because another request had saved first. No change was lost. |
//! | `beaker_session_rejected_cookies_total` | counter | `reason`: `signature`, `id`, `unknown`, `moved`, `damaged`, `timed_out`, `too_old` | | Cookies that led to no session: see [`Rejection`](crate::Rejection). |
//! | `beaker_session_evicted_total` | counter | | | Sessions that were ended because their user had more than `max_per_user`. |
//! | `beaker_session_unsaved_total` | counter | | | Sessions that were dropped with unsaved changes: an error in the program. |
//! | `beaker_session_unannounced_total` | counter | | | Writes of sessions that could not be announced to the local tiers of other processes. |
//! | `beaker_session_store_down` | gauge | | 0 or 1 | Whether a store of sessions cannot be reached. |
//! | `beaker_cache_requests_total` | counter | `cache`; `result`: `hit`, `miss`, `stale` | | Lookups that found a fresh value, found no usable value, or returned a stale value. |
//! | `beaker_cache_waits_total` | counter | `cache` | | Calls that waited for a value that another call computed. |
//! | `beaker_cache_load_seconds` | histogram | `cache` | seconds | How long loaders took, including those that failed. |
//! | `beaker_cache_load_failures_total` | counter | `cache` | | Loaders that failed or panicked. |
//! | `beaker_cache_unstored_total` | counter | `cache` | | Values that were computed but could not be stored. |
//! | `beaker_cache_bypassed_total` | counter | `cache` | | Calls that continued without the store because it had failed. |
//! | `beaker_cache_store_down` | gauge | `cache` | 0 or 1 | Whether the store of the cache cannot be reached, or is bypassed. |
//! | `beaker_rate_limit_checks_total` | counter | `limiter`; `result`: `allowed`, `refused`, `uncounted`, `error` | | Checks of a rate limiter. With `uncounted`, the action was allowed because the store failed. |
//! | `beaker_queued_calls` | gauge | | | Calls of blocking stores and locks that wait for a thread (feature `tokio`). |
//! | `beaker_calls_in_flight` | gauge | | | Calls of blocking stores and locks that are running on threads (feature `tokio`). |
//! | `beaker_queue_timeouts_total` | counter | | | Calls that waited for a thread for longer than `queue_timeout` (feature `tokio`). |
//!
//! No label contains a key, an id or anything else that a visitor chooses. The label `cache` is the name
//! under which a cache was opened in a backend, `region.name` for a cache of a region, and the name of the
//! function for `#[cached]`. For other caches in memory, it is set with
//! [`MemoryOptions::name`](crate::cache::MemoryOptions::name), and a cache without a name is not reported.
//! Caches of the same name are added up. The label `limiter` is the name of the rate limiter. A program
//! that generates names gets the first 1,000 of each kind; all further ones are added up as `(others)`.
//!
//! # What it costs
//!
//! A hit in memory takes tens of nanoseconds, and a shared counter of a recorder would take as long again.
//! For that reason, a cache only keeps its own counts, which [`Cache::stats`](crate::Cache::stats) returns
//! too, and [`publish`] copies them. Everything else is reported when it happens, next to a call of a store
//! or a loader. Without a recorder, reporting costs the reading of two variables. For sessions, the clock
//! is read only after the first call of [`publish`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::metrics::{
    IntoF64, Key, Label, Level, Metadata, SharedString, Unit, counter, gauge, histogram,
    with_recorder,
};

use crate::clock::Clock;

/// Copies the counts of caches and the gauges to the recorder, and describes all metrics to it.
///
/// Call it once when the program starts, after the recorder was installed: from then on, the durations of
/// sessions are measured. Call it again each time before the recorder is read, for example on the page
/// `/metrics`. If the recorder sends its metrics by itself, call it at the same interval.
pub fn publish() {
    IS_MEASURED.store(true, Ordering::Relaxed);
    ALL.iter().for_each(Description::tell);
    // Metrics that have not occurred yet exist too, because Prometheus sees no increase from nothing to 1.
    counter!("beaker_session_touches_total").increment(0);
    counter!("beaker_session_conflicts_total").increment(0);
    counter!("beaker_session_evicted_total").increment(0);
    counter!("beaker_session_unsaved_total").increment(0);
    counter!("beaker_session_unannounced_total").increment(0);
    counter!("beaker_queue_timeouts_total").increment(0);
    for (cache, counts) in counts_of_caches() {
        let total = |result| {
            let label = cache.clone();
            counter!("beaker_cache_requests_total", "cache" => label, "result" => result)
        };
        total("hit").absolute(counts.hits);
        total("miss").absolute(counts.misses);
        total("stale").absolute(counts.stale);
        let label = || cache.clone();
        counter!("beaker_cache_waits_total", "cache" => label()).absolute(counts.waits);
        counter!("beaker_cache_load_failures_total", "cache" => label()).absolute(counts.failures);
        counter!("beaker_cache_unstored_total", "cache" => label()).absolute(counts.unstored);
        counter!("beaker_cache_bypassed_total", "cache" => label()).absolute(counts.bypassed);
        gauge!("beaker_cache_store_down", "cache" => label()).set(f64::from(counts.is_store_down));
    }
    let is_down = STORES_DOWN.load(Ordering::Relaxed) > 0;
    gauge!("beaker_session_store_down").set(f64::from(is_down));
    gauge!("beaker_queued_calls").set(QUEUED.load(Ordering::Relaxed) as f64);
    gauge!("beaker_calls_in_flight").set(IN_FLIGHT.load(Ordering::Relaxed) as f64);
}

/// The description of a metric for a recorder.
struct Description {
    kind: Kind,
    name: &'static str,
    meaning: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Total,
    Now,
    Seconds,
}

const fn total(name: &'static str, meaning: &'static str) -> Description {
    Description { kind: Kind::Total, name, meaning }
}

const fn now(name: &'static str, meaning: &'static str) -> Description {
    Description { kind: Kind::Now, name, meaning }
}

const fn seconds(name: &'static str, meaning: &'static str) -> Description {
    Description { kind: Kind::Seconds, name, meaning }
}

impl Description {
    fn tell(&self) {
        let (name, meaning) = (self.name.into(), self.meaning.into());
        with_recorder(|recorder| match self.kind {
            Kind::Total => recorder.describe_counter(name, Some(Unit::Count), meaning),
            Kind::Now => recorder.describe_gauge(name, Some(Unit::Count), meaning),
            Kind::Seconds => recorder.describe_histogram(name, Some(Unit::Seconds), meaning),
        });
    }
}

const ALL: &[Description] = &[
    seconds("beaker_session_load_seconds", "How long it took to load a session"),
    seconds("beaker_session_save_seconds", "How long it took to save a session"),
    total("beaker_session_touches_total", "Accesses to sessions that were noted without a save"),
    total(
        "beaker_session_conflicts_total",
        "Tries to save a session that found that another request had saved first",
    ),
    total("beaker_session_rejected_cookies_total", "Cookies that led to no session"),
    total(
        "beaker_session_evicted_total",
        "Sessions that were ended because their user had too many",
    ),
    total(
        "beaker_session_unsaved_total",
        "Sessions that were dropped with changes that nobody saved",
    ),
    total(
        "beaker_session_unannounced_total",
        "Writes of sessions that could not be announced to other processes",
    ),
    now("beaker_session_store_down", "1 while a store of sessions cannot be reached"),
    total("beaker_cache_requests_total", "Lookups in a cache, by their result"),
    total("beaker_cache_waits_total", "Calls that waited for a value that another call computed"),
    seconds("beaker_cache_load_seconds", "How long the loaders of a cache took"),
    total("beaker_cache_load_failures_total", "Loaders of a cache that failed or panicked"),
    total("beaker_cache_unstored_total", "Values that were computed and could not be stored"),
    total("beaker_cache_bypassed_total", "Calls of a cache that went on without its store"),
    now(
        "beaker_cache_store_down",
        "1 while the store of a cache cannot be reached, or is bypassed",
    ),
    total("beaker_rate_limit_checks_total", "Checks of a rate limiter, by their result"),
    now("beaker_queued_calls", "Calls of blocking stores that wait in line for a thread"),
    now("beaker_calls_in_flight", "Calls of blocking stores that are under way on threads"),
    total(
        "beaker_queue_timeouts_total",
        "Calls of blocking stores that waited in line for too long",
    ),
];

/// Whether the program has asked for metrics, so that it is worth reading the clock.
static IS_MEASURED: AtomicBool = AtomicBool::new(false);

/// Returns the start time of a measurement, if the program has asked for metrics.
#[inline]
pub(crate) fn begin(clock: &dyn Clock) -> Option<Duration> {
    IS_MEASURED.load(Ordering::Relaxed).then(|| clock.monotonic())
}

fn took(begun: Duration, clock: &dyn Clock) -> Duration {
    clock.monotonic().saturating_sub(begun)
}

/// How the load of a session ended.
pub(crate) enum LoadResult {
    Found,
    New,
    Rejected,
    Error,
}

pub(crate) fn session_loaded(how: LoadResult, begun: Option<Duration>, clock: &dyn Clock) {
    let Some(begun) = begun else { return };
    // One call for each label, because the key of such a call is built at compile time.
    let histogram = match how {
        LoadResult::Found => histogram!("beaker_session_load_seconds", "result" => "found"),
        LoadResult::New => histogram!("beaker_session_load_seconds", "result" => "new"),
        LoadResult::Rejected => histogram!("beaker_session_load_seconds", "result" => "rejected"),
        LoadResult::Error => histogram!("beaker_session_load_seconds", "result" => "error"),
    };
    histogram.record(took(begun, clock));
}

/// How the save of a session ended.
pub(crate) enum SaveResult {
    Saved,
    Gone,
    Error,
}

pub(crate) fn session_saved(how: SaveResult, begun: Option<Duration>, clock: &dyn Clock) {
    let Some(begun) = begun else { return };
    let histogram = match how {
        SaveResult::Saved => histogram!("beaker_session_save_seconds", "result" => "saved"),
        SaveResult::Gone => histogram!("beaker_session_save_seconds", "result" => "gone"),
        SaveResult::Error => histogram!("beaker_session_save_seconds", "result" => "error"),
    };
    histogram.record(took(begun, clock));
}

pub(crate) fn session_touched() {
    counter!("beaker_session_touches_total").increment(1);
}

pub(crate) fn session_conflict() {
    counter!("beaker_session_conflicts_total").increment(1);
}

pub(crate) fn session_evicted() {
    counter!("beaker_session_evicted_total").increment(1);
}

pub(crate) fn session_unsaved() {
    counter!("beaker_session_unsaved_total").increment(1);
}

pub(crate) fn session_not_announced() {
    counter!("beaker_session_unannounced_total").increment(1);
}

pub(crate) fn cookie_rejected(reason: &'static str) {
    counter!("beaker_session_rejected_cookies_total", "reason" => reason).increment(1);
}

/// How many stores of sessions cannot be reached now. It may be below 0 for a moment, if a store fails and
/// recovers at once.
static STORES_DOWN: AtomicIsize = AtomicIsize::new(0);

/// Whether one store of sessions can be reached, as long as the store is in use.
#[derive(Debug, Default)]
pub(crate) struct Reachability {
    is_down: AtomicBool,
}

impl Reachability {
    pub(crate) fn fails(&self) {
        if !self.is_down.swap(true, Ordering::Relaxed) {
            STORES_DOWN.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(crate) fn answers(&self) {
        if self.is_down.load(Ordering::Relaxed) && self.is_down.swap(false, Ordering::Relaxed) {
            STORES_DOWN.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Reachability {
    fn drop(&mut self) {
        self.answers();
    }
}

static QUEUED: AtomicUsize = AtomicUsize::new(0);
static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);

/// One unit in a gauge, until this is dropped.
#[cfg(feature = "tokio")]
pub(crate) struct Counted(&'static AtomicUsize);

#[cfg(feature = "tokio")]
impl Counted {
    pub(crate) fn as_queued() -> Counted {
        Counted::among(&QUEUED)
    }

    pub(crate) fn as_in_flight() -> Counted {
        Counted::among(&IN_FLIGHT)
    }

    fn among(all: &'static AtomicUsize) -> Counted {
        all.fetch_add(1, Ordering::Relaxed);
        Counted(all)
    }
}

#[cfg(feature = "tokio")]
impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(feature = "tokio")]
pub(crate) fn queue_timed_out() {
    counter!("beaker_queue_timeouts_total").increment(1);
}

static METADATA: Metadata<'static> = Metadata::new("beaker", Level::INFO, None);

/// More names would be more time series than anybody reads, and would use memory without a limit.
const MOST_NAMES: usize = 1000;

/// The label of names beyond the limit.
const OTHERS: &str = "(others)";

type Names = Mutex<BTreeSet<Arc<str>>>;

/// Returns the label for this name.
fn label(name: &str, known: &Names) -> Arc<str> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(label) = known.get(name) {
        return Arc::clone(label);
    }
    let label: Arc<str> = if known.len() < MOST_NAMES { name.into() } else { OTHERS.into() };
    known.insert(Arc::clone(&label));
    label
}

/// The checks of one rate limiter, by result. The keys are built in advance, because building one takes as
/// long as a check in memory.
#[derive(Debug, Clone)]
pub(crate) struct Checks(Arc<[Key; 4]>);

/// How the check of a rate limiter ended.
#[derive(Clone, Copy)]
pub(crate) enum Checked {
    Allowed,
    Refused,
    Uncounted,
    Error,
}

impl Checks {
    pub(crate) fn of(limiter: &str) -> Checks {
        static LIMITERS: Names = Mutex::new(BTreeSet::new());
        let limiter = label(limiter, &LIMITERS);
        Checks(Arc::new(["allowed", "refused", "uncounted", "error"].map(|result| {
            let limiter = SharedString::from_shared(Arc::clone(&limiter));
            let labels = vec![Label::new("limiter", limiter), Label::new("result", result)];
            Key::from_parts("beaker_rate_limit_checks_total", labels)
        })))
    }

    pub(crate) fn count(&self, how: Checked) {
        let key = &self.0[how as usize];
        with_recorder(|recorder| recorder.register_counter(key, &METADATA).increment(1));
    }
}

/// The counts of a cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CacheCounts {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) stale: u64,
    pub(crate) waits: u64,
    pub(crate) failures: u64,
    pub(crate) unstored: u64,
    pub(crate) bypassed: u64,
    pub(crate) is_store_down: bool,
}

impl AddAssign for CacheCounts {
    fn add_assign(&mut self, other: CacheCounts) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.stale += other.stale;
        self.waits += other.waits;
        self.failures += other.failures;
        self.unstored += other.unstored;
        self.bypassed += other.bypassed;
        self.is_store_down |= other.is_store_down;
    }
}

type ReadCounts = Box<dyn Fn() -> CacheCounts + Send + Sync>;

/// The caches of one name.
#[derive(Default)]
struct Namesakes {
    /// The counts of caches that were dropped, because a counter must never go back.
    gone: CacheCounts,
    living: BTreeMap<u64, ReadCounts>,
}

/// Locked only while the counts are read, and when a cache is opened or dropped.
static CACHES: Mutex<BTreeMap<Arc<str>, Namesakes>> = Mutex::new(BTreeMap::new());

fn caches() -> MutexGuard<'static, BTreeMap<Arc<str>, Namesakes>> {
    CACHES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn counts_of_caches() -> Vec<(SharedString, CacheCounts)> {
    let all = |(name, namesakes): (&Arc<str>, &Namesakes)| {
        let mut counts = namesakes.gone;
        namesakes.living.values().for_each(|read| counts += read());
        (SharedString::from_shared(Arc::clone(name)), counts)
    };
    caches().iter().map(all).collect()
}

/// A cache whose counts are published under a name, until this is dropped.
pub(crate) struct PublishedCache {
    name: Arc<str>,
    number: u64,
    load: Key,
}

impl PublishedCache {
    pub(crate) fn new(name: &str, read: ReadCounts) -> PublishedCache {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        static NAMES: Names = Mutex::new(BTreeSet::new());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = label(name, &NAMES);
        caches().entry(Arc::clone(&name)).or_default().living.insert(number, read);
        let label = Label::new("cache", SharedString::from_shared(Arc::clone(&name)));
        let load = Key::from_parts("beaker_cache_load_seconds", vec![label]);
        PublishedCache { name, number, load }
    }

    pub(crate) fn loader_took(&self, time: Duration) {
        with_recorder(|recorder| {
            recorder.register_histogram(&self.load, &METADATA).record(time.into_f64());
        });
    }
}

impl Drop for PublishedCache {
    fn drop(&mut self) {
        if let Some(namesakes) = caches().get_mut(&self.name)
            && let Some(read) = namesakes.living.remove(&self.number)
        {
            namesakes.gone += CacheCounts { is_store_down: false, ..read() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = include_str!("metrics.rs");

    #[test]
    fn the_table_of_the_documentation_has_each_metric() {
        let described: BTreeSet<String> = ALL
            .iter()
            .map(|Description { kind, name, .. }| {
                assert_eq!(name.ends_with("_total"), *kind == Kind::Total, "{name}");
                assert_eq!(name.ends_with("_seconds"), *kind == Kind::Seconds, "{name}");
                let kind = match kind {
                    Kind::Total => "counter",
                    Kind::Now => "gauge",
                    Kind::Seconds => "histogram",
                };
                format!("`{name}` | {kind}")
            })
            .collect();
        let rows = SOURCE.lines().filter_map(|line| line.strip_prefix("//! | `beaker_"));
        let documented: BTreeSet<String> = rows
            .map(|row| {
                let cells: Vec<&str> = row.split(" | ").collect();
                format!("`beaker_{} | {}", cells[0], cells[1])
            })
            .collect();
        assert_eq!(documented, described);
    }

    #[test]
    fn what_is_reported_is_described() {
        let code = SOURCE.split("#[cfg(test)]\nmod tests").next().unwrap();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let code = code.collect::<Vec<_>>().join("\n");
        for Description { name, .. } in ALL {
            let count = code.matches(&format!("\"{name}\"")).count();
            assert!(count >= 2, "{name} is described and not reported");
        }
        let names = code.split("\"beaker_").skip(1).map(|rest| rest.split('"').next().unwrap());
        for name in names.map(|name| format!("beaker_{name}")) {
            assert!(ALL.iter().any(|known| known.name == name), "{name} is not described");
        }
    }

    #[test]
    fn the_counts_of_a_cache_outlive_it_and_its_outage_does_not() {
        let counts =
            |hits, is_store_down| CacheCounts { hits, is_store_down, ..Default::default() };
        let now = |name: &str| {
            let all = counts_of_caches();
            all.into_iter().find(|(of, _)| **of == *name).map(|(_, counts)| counts)
        };
        let first = PublishedCache::new("namesakes", Box::new(move || counts(2, true)));
        let second = PublishedCache::new("namesakes", Box::new(move || counts(40, false)));
        assert_eq!(now("namesakes"), Some(counts(42, true)));
        drop(first);
        assert_eq!(now("namesakes"), Some(counts(42, false)));
        drop(second);
        assert_eq!(now("namesakes"), Some(counts(42, false)));
    }

    #[test]
    fn names_that_are_made_up_do_not_pile_up() {
        let known = Names::default();
        for number in 0..MOST_NAMES {
            let name = number.to_string();
            assert_eq!(*label(&name, &known), *name);
        }
        assert_eq!(&*label("one more", &known), OTHERS);
        assert_eq!(&*label("and one more", &known), OTHERS);
        assert_eq!(&*label("7", &known), "7");
        assert_eq!(known.lock().unwrap().len(), MOST_NAMES + 1);
    }

    #[test]
    fn an_outage_is_over_when_the_store_answers_or_is_used_no_more() {
        let down = || STORES_DOWN.load(Ordering::Relaxed);
        let (first, second) = (Reachability::default(), Reachability::default());
        first.fails();
        first.fails();
        second.fails();
        assert_eq!(down(), 2);
        first.answers();
        first.answers();
        drop(second);
        assert_eq!(down(), 0);
    }
}
