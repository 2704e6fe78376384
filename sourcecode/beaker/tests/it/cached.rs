//! `#[cached]`: what a call runs, what it keeps, under which key, and what is attached to it.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, LazyLock};
use std::thread;
use std::time::Duration;

use beaker::cache::{Cache, KeyPart, Region, RegionOptions};
use beaker::key::{Key, Namespace};
use beaker::store::{Precondition, Store, Stored, Version};
use beaker::{Backend, Error, ErrorKind, ManualClock, cached};

fn down() -> Error {
    Error::new(ErrorKind::Application, "the source is down")
}

/// What a function would ask: it counts how often it is asked.
#[derive(Debug, Default)]
struct Source {
    asked: AtomicUsize,
}

impl Source {
    fn ask(&self) -> usize {
        self.asked.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[test]
fn runs_once_for_each_list_of_arguments() {
    #[cached(skip(source))]
    fn lap(source: &Source, driver: &str, number: u32) -> String {
        source.ask();
        format!("{driver} {number}")
    }

    let source = Source::default();
    for _ in 0..3 {
        assert_eq!(lap(&source, "Kimi", 1), "Kimi 1");
        assert_eq!(lap(&source, "Kimi", 2), "Kimi 2");
        assert_eq!(lap(&source, "Felipe", 1), "Felipe 1");
    }
    assert_eq!(source.ask(), 4);
    let numbers = lap::cache().stats();
    assert_eq!((numbers.creations, numbers.hits), (3, 6));
}

#[test]
fn everything_that_is_attached() {
    #[cached(skip(source))]
    fn points(source: &Source, season: u32) -> usize {
        source.ask() * 1000 + season as usize
    }

    let source = Source::default();
    assert_eq!(points::get(7).unwrap(), None, "nothing is made");
    assert_eq!(points(&source, 7), 1007);
    assert_eq!(points::get(7).unwrap(), Some(1007));
    points::set(7, 42).unwrap();
    assert_eq!(points(&source, 7), 42);
    assert_eq!(points::original(&source, 7), 2007);
    assert_eq!(points::get(7).unwrap(), Some(42));
    assert_eq!(points::refresh(&source, 7).unwrap(), 3007);
    assert_eq!(points(&source, 7), 3007);
    assert!(points::invalidate(7).unwrap() && !points::invalidate(7).unwrap());
    assert_eq!(points(&source, 7), 4007);
    assert!(points::cache().remove(points::key(7)).unwrap());
}

/// Text and bytes are the whole key of a function that has nothing else in it.
#[test]
fn one_argument_that_is_lent() {
    #[cached(skip(source))]
    fn title(source: &Source, driver: &str) -> Result<usize, Error> {
        if driver == "nobody" {
            Err(down())
        } else {
            Ok(source.ask() * 100 + driver.len().min(500))
        }
    }

    #[cached]
    fn sum(numbers: &[u8]) -> u32 {
        numbers.iter().map(|&number| u32::from(number)).sum()
    }

    let source = Source::default();
    let long = "Kimi ".repeat(100);
    for _ in 0..2 {
        assert_eq!(title(&source, "Kimi").unwrap(), 104);
        assert_eq!(title(&source, "").unwrap(), 200);
        assert_eq!(title(&source, &long).unwrap(), 800);
        assert_eq!(sum(&[1, 2, 3]), 6);
    }
    assert_eq!(title::get("Kimi").unwrap(), Some(104));
    assert_eq!(title::key("Kimi").as_ref(), b"Kimi");
    assert_eq!(title::key(&long).as_ref(), long.as_bytes());
    title::set("", 7).unwrap();
    assert_eq!(title(&source, "").unwrap(), 7);
    assert!(title::invalidate(&long).unwrap());
    assert_eq!(sum::cache().stats().creations, 1);
    title(&source, "nobody").unwrap_err();
    let again = title(&source, "nobody").unwrap_err().to_string();
    assert!(again.contains("`title(nobody)`"), "{again}");
}

#[test]
fn only_what_is_ok_is_kept() {
    #[cached(skip(source))]
    fn lap(source: &Source, is_up: bool) -> Result<usize, Error> {
        let asked = source.ask();
        if is_up && asked > 1 { Ok(asked) } else { Err(down()) }
    }

    let source = Source::default();
    assert_eq!(lap(&source, true).unwrap_err().kind(), ErrorKind::Application);
    assert_eq!(lap(&source, true).unwrap_err().kind(), ErrorKind::Creation, "backs off");
    lap::invalidate(true).unwrap();
    assert_eq!(lap(&source, true).unwrap(), 2);
    assert_eq!(lap(&source, true).unwrap(), 2);
    assert_eq!(lap::refresh(&source, true).unwrap(), 3);
    assert_eq!(lap::get(true).unwrap(), Some(3));
    lap::set(false, 9).unwrap();
    assert!(lap::refresh(&source, false).is_err());
    assert_eq!(lap::get(false).unwrap(), Some(9), "what was there stays");
}

/// A cache with a clock that can be moved.
struct Bench {
    clock: Arc<ManualClock>,
    cache: Cache<usize>,
    source: Source,
}

impl Bench {
    fn new() -> Bench {
        let clock = Arc::new(ManualClock::default());
        let cache = Cache::in_memory(100).clock(clock.clone());
        Bench { clock, cache, source: Source::default() }
    }

    #[cached(cache = self.cache, ttl = "250ms", stale_for = "10s", skip(self))]
    fn lap(&self, number: u32) -> usize {
        let _ = number;
        self.source.ask()
    }

    #[cached(cache = self.cache, ttl = 60, skip(self), keep_if = |asked| *asked > 1)]
    fn kept_from_the_second_on(&self) -> Result<usize, Error> {
        Ok(self.source.ask())
    }

    #[cached(cache = self.cache, key = driver.to_lowercase())]
    fn by_key(&self, driver: &str, ignored: u32) -> usize {
        let _ = (driver, ignored);
        self.source.ask()
    }
}

#[test]
fn methods_and_times() {
    let bench = Bench::new();
    assert_eq!((bench.lap(1), bench.lap(2), bench.lap(1)), (1, 2, 1));
    bench.clock.advance(Duration::from_millis(249));
    assert_eq!((bench.lap(1), bench.lap_get(1).unwrap()), (1, Some(1)));
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(bench.lap_get(1).unwrap(), None, "expired");
    assert!(bench.cache.get(bench.lap_key(1)).unwrap().is_none());
    assert_eq!(bench.lap(1), 3);
    bench.lap_set(1, 70).unwrap();
    bench.clock.advance(Duration::from_millis(250));
    assert_eq!(bench.lap_get(1).unwrap(), None, "what was set expires too");
    assert_eq!(bench.lap_refresh(1).unwrap(), 4);
    assert_eq!(bench.lap_original(1), 5);
    assert_eq!(bench.lap(1), 4);
    assert!(bench.lap_invalidate(1).unwrap());
}

#[test]
fn what_is_not_to_be_kept_is_given_all_the_same() {
    let bench = Bench::new();
    assert_eq!(bench.kept_from_the_second_on().unwrap(), 1);
    assert_eq!(bench.kept_from_the_second_on().unwrap(), 2);
    assert_eq!(bench.kept_from_the_second_on().unwrap(), 2);
    assert_eq!(bench.kept_from_the_second_on_refresh().unwrap(), 3);
    assert_eq!(bench.kept_from_the_second_on().unwrap(), 3);
}

#[test]
fn a_key_of_ones_own() {
    let bench = Bench::new();
    assert_eq!((bench.by_key("Kimi", 1), bench.by_key("KIMI", 2), bench.by_key("F", 3)), (1, 1, 2));
    assert!(bench.by_key_invalidate("kImI").unwrap());
    assert_eq!(bench.by_key("Kimi", 4), 3);
}

static SHARED: LazyLock<Cache<String>> = LazyLock::new(|| Cache::new(Backend::memory(), "shared"));

mod ferrari {
    #[beaker::cached(cache = super::SHARED)]
    pub(super) fn best() -> String {
        "Kimi".to_owned()
    }
}

mod mclaren {
    #[beaker::cached(cache = super::SHARED)]
    pub(super) fn best() -> String {
        "Lewis".to_owned()
    }
}

struct Car;
struct Engine;
struct Garage<T>(T);

impl Car {
    #[cached(cache = SHARED, skip(self))]
    fn best(&self) -> String {
        "car".to_owned()
    }
}

impl Engine {
    #[cached(cache = SHARED, skip(self))]
    fn best(&self) -> String {
        "engine".to_owned()
    }

    #[cached(cache = SHARED, method)]
    fn built() -> String {
        "built".to_owned()
    }
}

impl<T: std::fmt::Display> Garage<T> {
    #[cached(skip(self))]
    fn best(&self) -> String {
        self.0.to_string()
    }
}

#[test]
fn functions_of_one_name_in_one_cache() {
    fn outer() -> String {
        #[cached(cache = SHARED)]
        fn best() -> String {
            "nested".to_owned()
        }
        best()
    }
    for _ in 0..2 {
        let all = [ferrari::best(), mclaren::best(), Car.best(), Engine.best(), outer()];
        assert_eq!(all, ["Kimi", "Lewis", "car", "engine", "nested"]);
        assert_eq!((Garage(1).best(), Garage("a").best()), ("1".to_owned(), "a".to_owned()));
    }
    assert_eq!(Engine::built(), "built");
    assert_eq!(Engine::built_get().unwrap().as_deref(), Some("built"));
    assert_eq!(Garage::<u8>::best_cache().stats().creations, 2);
}

#[test]
fn type_parameters_are_in_the_key() {
    #[cached(cache = SHARED)]
    fn size<T, const N: usize>() -> String {
        (size_of::<T>() * N).to_string()
    }

    assert_eq!([size::<u8, 1>(), size::<u16, 1>(), size::<u16, 3>()], ["1", "2", "6"]);
    assert_eq!([size::<u8, 1>(), size::<u16, 1>(), size::<u16, 3>()], ["1", "2", "6"]);
    assert!(size::invalidate::<u16, 3>().unwrap());
    assert_eq!(size::get::<u16, 1>().unwrap().as_deref(), Some("2"));
}

#[test]
fn arguments_of_any_name_and_kind() {
    #[derive(KeyPart)]
    struct Team<'a> {
        name: &'a str,
    }

    #[cached(skip(ask))]
    fn named(
        mut key: String,
        cache: Option<&[u16]>,
        value: Team<'_>,
        ask: impl Fn() -> usize,
    ) -> String {
        key.push_str(value.name);
        format!("{key} {cache:?} {}", ask())
    }

    let asked = Cell::new(0);
    let ask = || {
        asked.set(asked.get() + 1);
        asked.get()
    };
    let all = |name| named("k".to_owned(), Some(&[1, 2]), Team { name }, ask);
    assert_eq!(
        [all("a"), all("b"), all("a")],
        ["ka Some([1, 2]) 1", "kb Some([1, 2]) 2", "ka Some([1, 2]) 1"]
    );
    let kept = named::get("k".to_owned(), Some(&[1, 2]), Team { name: "b" }).unwrap();
    assert_eq!(kept.as_deref(), Some("kb Some([1, 2]) 2"));
}

#[test]
fn cached_functions_call_one_another_and_themselves() {
    #[cached]
    fn fibonacci(n: u32) -> u64 {
        if n < 2 { n.into() } else { fibonacci(n - 1) + doubled(n - 2) / 2 }
    }

    #[cached]
    fn doubled(n: u32) -> u64 {
        fibonacci(n) * 2
    }

    assert_eq!(fibonacci(80), 23_416_728_348_467_685);
    assert_eq!(fibonacci::cache().stats().creations, 81);
}

/// With the same arguments there is no value to wait for. Who can fail says so; who cannot does what
/// it would do without a cache, and here that comes to an end, since an argument is skipped.
#[test]
fn a_call_of_itself_with_the_same_arguments() {
    #[cached(skip(left))]
    fn fails(season: u32, left: u32) -> Result<u32, Error> {
        if left == 0 { Ok(season) } else { fails(season, left - 1) }
    }

    #[cached(skip(left))]
    fn cannot_fail(season: u32, left: u32) -> u32 {
        if left == 0 { season } else { cannot_fail(season, left - 1) + 1 }
    }

    let error = fails(2007, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldDeadlock, "{error}");
    assert!(error.to_string().contains("fails(C"), "{error}");
    assert_eq!(cannot_fail(2007, 3), 2010);
    assert_eq!(cannot_fail::get(2007).unwrap(), Some(2010));
    let numbers = cannot_fail::cache().stats();
    assert_eq!(numbers.bypassed, 3);
    assert!(numbers.to_string().ends_with(", 3 bypassed"), "{numbers}");
}

#[test]
fn a_herd_runs_it_once() {
    #[cached(skip(source, all_asked))]
    fn slow(source: &Source, all_asked: &Barrier) -> usize {
        all_asked.wait();
        source.ask()
    }

    let (source, all_asked) = (Source::default(), Barrier::new(2));
    thread::scope(|scope| {
        let ask = || slow(&source, &all_asked);
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        while slow::cache().stats().waits < 7 {
            thread::yield_now();
        }
        all_asked.wait();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 1));
    });
    assert_eq!(source.ask(), 2);
}

#[test]
fn in_a_region() {
    static HOURS: LazyLock<Region> = LazyLock::new(|| Region::named("hours"));

    #[cached(region = HOURS, skip(source))]
    fn lap(source: &Source, number: u32) -> Result<usize, Error> {
        Ok(source.ask() * 10 + number as usize)
    }

    let source = Source::default();
    assert_eq!(lap(&source, 1).unwrap_err().kind(), ErrorKind::Config, "not configured");
    assert_eq!(lap::get(1).unwrap_err().kind(), ErrorKind::Config);
    HOURS.configure(RegionOptions::new(Backend::memory())).unwrap();
    assert_eq!((lap(&source, 1).unwrap(), lap(&source, 1).unwrap()), (11, 11));
    assert_eq!(lap::refresh(&source, 1).unwrap(), 21);
    assert!(lap::invalidate(1).unwrap());
    assert_eq!(lap(&source, 1).unwrap(), 31);
}

#[derive(Debug)]
struct Broken;

impl Broken {
    fn fail<T>(&self) -> beaker::Result<T> {
        Err(Error::new(ErrorKind::Unavailable, "no answer"))
    }
}

impl Store for Broken {
    fn get(&self, _: &Key) -> beaker::Result<Option<Stored>> {
        self.fail()
    }

    fn put(
        &self,
        _: &Key,
        _: &[u8],
        _: Option<Duration>,
        _: Precondition,
    ) -> beaker::Result<Option<Version>> {
        self.fail()
    }

    fn delete(&self, _: &Key, _: Precondition) -> beaker::Result<bool> {
        self.fail()
    }

    fn clear(&self, _: &Namespace) -> beaker::Result<()> {
        self.fail()
    }
}

#[test]
fn when_the_store_fails() {
    static BROKEN: LazyLock<Cache<usize>> = LazyLock::new(|| {
        Cache::new(Backend::new(Broken, beaker::lock::LocalLocks::new()), "broken")
    });

    #[cached(cache = BROKEN, skip(source))]
    fn cannot_fail(source: &Source) -> usize {
        source.ask()
    }

    #[cached(cache = BROKEN, skip(source))]
    fn fails(source: &Source) -> beaker::Result<usize> {
        Ok(source.ask())
    }

    let source = Source::default();
    assert_eq!((cannot_fail(&source), cannot_fail(&source)), (1, 2), "as without a cache");
    assert_eq!(BROKEN.stats().bypassed, 2);
    let unavailable = |error: Error| assert_eq!(error.kind(), ErrorKind::Unavailable);
    unavailable(cannot_fail::refresh(&source).unwrap_err());
    unavailable(fails(&source).unwrap_err());
    unavailable(fails::get().unwrap_err());
    unavailable(cannot_fail::set(1).unwrap_err());
}

#[test]
fn its_error_may_be_any_that_takes_ours() {
    #[cached]
    fn parsed(text: &str) -> Result<u32, Box<dyn std::error::Error>> {
        Ok(text.parse()?)
    }

    assert_eq!(parsed("7").unwrap(), 7);
    assert!(parsed("x").unwrap_err().to_string().contains("invalid digit"));
    assert!(parsed("x").unwrap_err().to_string().contains("by another call: invalid digit"));
}
