//! What is reported to a recorder of the crate `metrics`: rendered as Prometheus reads it.
//!
//! The recorder and the gauges are the process's, so each test runs in one of its own.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use beaker::cache::{CacheEntry, MemoryOptions, OnStoreFailure, Region, RegionOptions};
use beaker::limit::{RateLimit, RateLimiter};
use beaker::{Backend, Cache, Clock, Error, ErrorKind, ManualClock, Sessions, Signer, Timestamp};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::any_cache::{AnyCache, WORLDS, World};
use crate::cache_bypass::Server;

const ALONE: &str = "BEAKER_TEST_METRICS";

/// What Prometheus would read now.
struct Page(PrometheusHandle);

impl Page {
    fn text(&self) -> String {
        beaker::metrics::publish();
        self.0.render()
    }

    /// The value of a metric with these labels, if it is there.
    fn value(&self, metric: &str) -> Option<f64> {
        let text = self.text();
        let lines = || text.lines().filter_map(|line| line.rsplit_once(' '));
        lines().find(|(name, _)| *name == metric).map(|(_, value)| value.parse().unwrap())
    }

    fn check(&self, expected: &[(&str, u32)]) {
        for (metric, value) in expected {
            let found = self.value(metric);
            assert_eq!(found, Some(f64::from(*value)), "{metric}:\n{}", self.text());
        }
    }

    fn has(&self, part: &str) -> bool {
        self.text().contains(part)
    }
}

/// Runs the test of this name in a process of its own, with a recorder.
fn alone(test: &str, act: impl FnOnce(&Page)) {
    if std::env::var(ALONE).is_ok() {
        let seconds = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &[0.1, 1.0]);
        act(&Page(builder.unwrap().install_recorder().unwrap()));
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("metrics::{test}"), "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let told = [child.stdout, child.stderr].map(|told| String::from_utf8_lossy(&told).into_owned());
    assert!(child.status.success() && told[0].contains("1 passed"), "{}", told.concat());
}

/// Runs the same over both kinds of cache, each with a name of its own.
fn in_both_worlds(test: &str, act: impl Fn(&Page, World, &str)) {
    alone(test, |page| {
        for (number, &world) in WORLDS.iter().enumerate() {
            act(page, world, &format!("cache-{number}"));
        }
    });
}

fn fails() -> Result<u32, Error> {
    Err(Error::new(ErrorKind::Application, "the source is down"))
}

#[test]
fn looks_of_a_cache_and_loaders_that_take_their_time() {
    in_both_worlds("looks_of_a_cache_and_loaders_that_take_their_time", |page, world, name| {
        let clock = Arc::new(ManualClock::default());
        let cache = AnyCache::<u32>::new(world, Backend::memory(), name)
            .clock(clock.clone())
            .ttl(Duration::from_secs(60))
            .stale_for(Duration::from_secs(60))
            .stale_on_failure(true);
        let made = || {
            clock.advance(Duration::from_millis(250));
            110
        };
        assert_eq!(cache.get("Kimi").unwrap(), None);
        assert_eq!(cache.get_or_create("Kimi", made).unwrap(), 110);
        for _ in 0..3 {
            assert_eq!(cache.get("Kimi").unwrap(), Some(110));
        }
        // What it gave goes on while its loader fails, which takes a second.
        clock.advance(Duration::from_secs(61));
        let late = || {
            clock.advance(Duration::from_secs(1));
            fails()
        };
        assert_eq!(cache.try_get_or_create("Kimi", late).unwrap(), 110);
        let requests =
            |result| format!("beaker_cache_requests_total{{cache=\"{name}\",result=\"{result}\"}}");
        let of = |metric| format!("{metric}{{cache=\"{name}\"}}");
        page.check(&[
            (&requests("hit"), 3),
            (&requests("miss"), 3),
            (&requests("stale"), 1),
            (&of("beaker_cache_waits_total"), 0),
            (&of("beaker_cache_load_failures_total"), 1),
            (&of("beaker_cache_unstored_total"), 0),
            (&of("beaker_cache_bypassed_total"), 0),
            (&of("beaker_cache_store_down"), 0),
            (&format!("beaker_cache_load_seconds_bucket{{cache=\"{name}\",le=\"0.1\"}}"), 0),
            (&format!("beaker_cache_load_seconds_bucket{{cache=\"{name}\",le=\"1\"}}"), 2),
            (&of("beaker_cache_load_seconds_count"), 2),
        ]);
        assert_eq!(page.value(&of("beaker_cache_load_seconds_sum")), Some(1.25));
        // Many keys are one call of the loader.
        let many = |keys: &[&&str]| {
            clock.advance(Duration::from_secs(2));
            Ok::<_, Error>(keys.iter().map(|_| CacheEntry::from(1)).collect())
        };
        cache.try_get_or_create_many(&["a", "b", "c"], many).unwrap();
        page.check(&[(&of("beaker_cache_load_seconds_count"), 3), (&requests("miss"), 6)]);
        assert_eq!(page.value(&of("beaker_cache_load_seconds_sum")), Some(3.25));
        // What it has counted is not counted back when it goes.
        drop(cache);
        page.check(&[(&requests("hit"), 3), (&requests("miss"), 6)]);
    });
}

#[test]
fn a_loader_that_panics_and_a_call_that_waits() {
    alone("a_loader_that_panics_and_a_call_that_waits", |page| {
        let cache: Cache<u32> = Cache::new(Backend::memory(), "points");
        let panics = std::panic::AssertUnwindSafe(|| {
            cache.get_or_create("Kimi", || -> u32 { panic!("on purpose") })
        });
        assert!(std::panic::catch_unwind(panics).is_err());
        std::thread::scope(|scope| {
            cache
                .get_or_create("Felipe", || {
                    scope.spawn(|| cache.get_or_create("Felipe", || 0_u32).unwrap());
                    while cache.stats().waits == 0 {
                        std::thread::yield_now();
                    }
                    94_u32
                })
                .unwrap();
        });
        page.check(&[
            ("beaker_cache_load_failures_total{cache=\"points\"}", 1),
            ("beaker_cache_waits_total{cache=\"points\"}", 1),
            ("beaker_cache_load_seconds_count{cache=\"points\"}", 2),
        ]);
    });
}

#[test]
fn each_cache_is_called_by_what_the_program_calls_it() {
    alone("each_cache_is_called_by_what_the_program_calls_it", |page| {
        let backend = Backend::memory();
        let hit =
            |name: &str| format!("beaker_cache_requests_total{{cache=\"{name}\",result=\"hit\"}}");
        let ask = |cache: &Cache<u32>| {
            cache.put("Kimi", 110).unwrap();
            cache.get("Kimi").unwrap();
        };
        // Namesakes are added up, and clones are the same.
        let first: Cache<u32> = Cache::new(backend.clone(), "points");
        ask(&first.clone());
        ask(&Cache::new(backend.clone(), "points"));
        ask(&first.clone().local_tier(10, Duration::from_secs(1)));
        ask(&Cache::in_memory_with(MemoryOptions::new(10).name("objects")));
        let nameless: Cache<u32> = Cache::in_memory(10);
        ask(&nameless);
        for (name, options) in
            [("stored", RegionOptions::new(backend)), ("objects", RegionOptions::in_memory(10))]
        {
            let region = Region::named(name);
            region.configure(options).unwrap();
            ask(&region.cache("points").unwrap());
        }
        page.check(&[
            (&hit("points"), 3),
            (&hit("objects"), 1),
            (&hit("stored.points"), 1),
            (&hit("objects.points"), 1),
        ]);
        let text = page.text();
        let names = text.lines().filter(|line| line.contains("result=\"hit\"")).count();
        assert_eq!(names, 4, "one without a name is not there: {text}");
        assert!(!text.contains("Kimi"), "{text}");
    });
}

#[cfg(feature = "macros")]
#[test]
fn a_function_is_a_cache_of_its_name() {
    #[beaker::cached]
    fn points_of(driver: &str) -> usize {
        driver.len()
    }
    alone("a_function_is_a_cache_of_its_name", |page| {
        assert_eq!((points_of("Kimi"), points_of("Kimi")), (4, 4));
        page.check(&[
            ("beaker_cache_requests_total{cache=\"points_of\",result=\"hit\"}", 1),
            ("beaker_cache_requests_total{cache=\"points_of\",result=\"miss\"}", 1),
        ]);
    });
}

#[test]
fn an_outage_of_a_cache_lasts_until_its_store_answers() {
    in_both_worlds("an_outage_of_a_cache_lasts_until_its_store_answers", |page, world, name| {
        let down = format!("beaker_cache_store_down{{cache=\"{name}\"}}");
        let bypassed = format!("beaker_cache_bypassed_total{{cache=\"{name}\"}}");
        let server = Server::default();
        let strict = AnyCache::<u32>::new(world, server.backend(), name);
        let bypassing = strict.clone().on_store_failure(OnStoreFailure::Bypass);
        assert_eq!(strict.get("Kimi").unwrap(), None);
        page.check(&[(&down, 0)]);
        for (cache, fails) in [(&strict, true), (&bypassing, false)] {
            server.stop(true);
            assert_eq!(cache.get("Kimi").is_err(), fails);
            page.check(&[(&down, 1), (&bypassed, u32::from(!fails))]);
            server.stop(false);
            page.check(&[(&down, 1)]);
            assert_eq!(cache.get("Kimi").unwrap(), None);
            page.check(&[(&down, 0)]);
        }
        server.stop(true);
        assert!(strict.get_many(&["Kimi"]).is_err());
        page.check(&[(&down, 1)]);
        drop((strict, bypassing));
        page.check(&[(&down, 0)]);
    });
}

/// A clock that moves on whenever it is read: each read is a tenth of a second.
#[derive(Debug, Default)]
struct Ticking(ManualClock);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.advance(Duration::from_millis(100));
        self.0.monotonic()
    }

    fn sleep(&self, time: Duration) {
        self.0.sleep(time);
    }
}

#[test]
fn sessions_are_loaded_saved_rejected_and_ended() {
    alone("sessions_are_loaded_saved_rejected_and_ended", |page| {
        let sessions = Sessions::new(Backend::memory())
            .clock(Arc::new(Ticking::default()))
            .timeout(Duration::from_secs(60))
            .max_per_user(1)
            .signed_by(Signer::random().unwrap());
        // Nobody has asked for metrics yet, so the clock is not read.
        sessions.create().save().unwrap();
        assert!(!page.has("beaker_session_save_seconds_count"));
        // What may happen has a place on the page before it does.
        page.check(&[
            ("beaker_session_touches_total", 0),
            ("beaker_session_conflicts_total", 0),
            ("beaker_session_evicted_total", 0),
            ("beaker_session_unsaved_total", 0),
            ("beaker_queue_timeouts_total", 0),
        ]);

        let mut session = sessions.create();
        session.set("user", "Kimi");
        session.save().unwrap();
        let header = session.set_cookie().unwrap().unwrap();
        let cookie = header.split(';').next().unwrap().to_owned();
        let mut loaded = sessions.load(Some(&cookie)).unwrap();
        loaded.touch().unwrap();
        assert!(sessions.load(None).unwrap().is_new());
        assert!(sessions.load(Some("beaker.session.id=forged")).unwrap().is_new());
        // Another request is first.
        loaded.set("basket", "tea");
        loaded.save().unwrap();
        session.set("visits", 2);
        session.save().unwrap();
        // It ends while another request has it.
        sessions.open(session.id()).unwrap().delete().unwrap();
        session.set("visits", 3);
        assert_eq!(session.save().unwrap_err().kind(), ErrorKind::SessionGone);
        assert!(sessions.load(Some(&cookie)).unwrap().is_new());
        assert!(sessions.open(session.id()).is_err());
        // Of the sessions of a user, the older one ends; and one is forgotten.
        for _ in 0..2 {
            let mut own = sessions.create();
            own.set_user("Kimi");
            own.save().unwrap();
        }
        sessions.create().set("basket", "coffee");
        page.check(&[
            ("beaker_session_load_seconds_count{result=\"found\"}", 2),
            ("beaker_session_load_seconds_count{result=\"new\"}", 1),
            ("beaker_session_load_seconds_count{result=\"rejected\"}", 3),
            ("beaker_session_save_seconds_count{result=\"saved\"}", 5),
            ("beaker_session_save_seconds_count{result=\"gone\"}", 1),
            ("beaker_session_touches_total", 1),
            ("beaker_session_conflicts_total", 1),
            ("beaker_session_rejected_cookies_total{reason=\"signature\"}", 1),
            ("beaker_session_rejected_cookies_total{reason=\"unknown\"}", 1),
            ("beaker_session_evicted_total", 1),
            ("beaker_session_unsaved_total", 1),
            ("beaker_session_store_down", 0),
        ]);
        // From one read of the clock to the next.
        let found = page.value("beaker_session_load_seconds_sum{result=\"found\"}").unwrap();
        assert!((found - 0.2).abs() < 1e-9, "{found}");
        assert!(!page.has(&session.id().as_str()[..8]) && !page.has("Kimi"));
    });
}

#[test]
fn an_outage_of_sessions_lasts_until_their_store_answers() {
    use beaker::session::OnStoreFailure;

    alone("an_outage_of_sessions_lasts_until_their_store_answers", |page| {
        page.check(&[("beaker_session_store_down", 0)]);
        for on_failure in [OnStoreFailure::Fail, OnStoreFailure::Empty] {
            let server = Server::default();
            let sessions = Sessions::new(server.backend())
                .signed_by(Signer::random().unwrap())
                .on_store_failure(on_failure);
            let mut session = sessions.create();
            session.save().unwrap();
            let header = session.set_cookie().unwrap().unwrap();
            let cookie = header.split(';').next();
            let down = |expected| page.check(&[("beaker_session_store_down", expected)]);
            // A load begins and ends an outage, and so does a save.
            server.stop(true);
            let is_error = sessions.load(cookie).is_err();
            assert_eq!(is_error, on_failure == OnStoreFailure::Fail);
            down(1);
            server.stop(false);
            assert!(sessions.load(None).unwrap().is_new(), "for which no store is asked");
            down(1);
            assert!(!sessions.load(cookie).unwrap().is_new());
            down(0);
            server.stop(true);
            session.set("basket", "tea");
            session.save().unwrap_err();
            down(1);
            server.stop(false);
            session.save().unwrap();
            down(0);
            server.stop(true);
            sessions.open(session.id()).unwrap_err();
            down(1);
            server.stop(false);
            sessions.open(session.id()).unwrap();
            down(0);
            // Nobody would notice when it is over.
            server.stop(true);
            sessions.open(session.id()).unwrap_err();
            down(1);
            session.revert();
            drop((session, sessions));
            down(0);
        }
        page.check(&[
            ("beaker_session_load_seconds_count{result=\"error\"}", 6),
            ("beaker_session_save_seconds_count{result=\"error\"}", 2),
        ]);
    });
}

#[test]
fn the_checks_of_a_rate_limiter() {
    use beaker::limit::OnStoreFailure;

    alone("the_checks_of_a_rate_limiter", |page| {
        let server = Server::default();
        let rule = RateLimit::token_bucket(2, Duration::from_secs(60));
        let limiter = RateLimiter::new(server.backend(), "log-in", rule).unwrap();
        let limiter = limiter.with_clock(Arc::new(ManualClock::default()));
        let allowed = [0; 3].map(|_| limiter.check("192.0.2.7").unwrap().allowed);
        assert_eq!(allowed, [true, true, false]);
        server.stop(true);
        limiter.check("192.0.2.7").unwrap_err();
        let lenient = limiter.clone().on_store_failure(OnStoreFailure::Allow);
        assert!(lenient.check("192.0.2.7").unwrap().allowed);
        let checks = |result| {
            format!("beaker_rate_limit_checks_total{{limiter=\"log-in\",result=\"{result}\"}}")
        };
        page.check(&[
            (&checks("allowed"), 2),
            (&checks("refused"), 1),
            (&checks("error"), 1),
            (&checks("uncounted"), 1),
        ]);
        assert!(!page.has("192.0.2.7"));
    });
}

#[cfg(feature = "tokio")]
mod in_tasks {
    use std::sync::{Condvar, Mutex};

    use beaker::key::{Key, Namespace};
    use beaker::lock::LocalLocks;
    use beaker::store::{AsyncStore, MemoryStore, OnThreads, Precondition, Store, Stored, Version};
    use beaker::{AsyncBackend, AsyncSessions};
    use tokio::runtime::Builder;
    use tokio::task::yield_now;

    use super::*;

    /// A store that does not answer until it is opened.
    #[derive(Debug, Default, Clone)]
    struct Closed {
        is_open: Arc<(Mutex<bool>, Condvar)>,
        store: Arc<MemoryStore>,
    }

    impl Closed {
        fn open(&self) {
            *self.is_open.0.lock().unwrap() = true;
            self.is_open.1.notify_all();
        }
    }

    impl Store for Closed {
        fn get(&self, key: &Key) -> beaker::Result<Option<Stored>> {
            let is_open = self.is_open.0.lock().unwrap();
            drop(self.is_open.1.wait_while(is_open, |is_open| !*is_open).unwrap());
            self.store.get(key)
        }

        fn put(
            &self,
            key: &Key,
            bytes: &[u8],
            ttl: Option<Duration>,
            when: Precondition,
        ) -> beaker::Result<Option<Version>> {
            self.store.put(key, bytes, ttl, when)
        }

        fn delete(&self, key: &Key, when: Precondition) -> beaker::Result<bool> {
            self.store.delete(key, when)
        }

        fn clear(&self, namespace: &Namespace) -> beaker::Result<()> {
            self.store.clear(namespace)
        }
    }

    #[test]
    fn a_queue_that_is_full() {
        alone("in_tasks::a_queue_that_is_full", |page| {
            let closed = Closed::default();
            let store = OnThreads::new(closed.clone()).max_in_flight(2);
            let patient = store.queue_timeout(Duration::MAX);
            let hasty = patient.clone().queue_timeout(Duration::ZERO);
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.unwrap().block_on(async {
                let call = |_| {
                    let store = patient.clone();
                    let key = Namespace::new("n").key("k");
                    tokio::spawn(async move { store.get(&key).await })
                };
                let mut calls: Vec<_> = (0..2).map(call).collect();
                while patient.in_flight() < 2 {
                    yield_now().await;
                }
                calls.extend((0..5).map(call));
                while patient.queued() < 5 {
                    yield_now().await;
                }
                let error = hasty.get(&Namespace::new("n").key("k")).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                // One of those in line gives up.
                calls[6].abort();
                while patient.queued() > 4 {
                    yield_now().await;
                }
                page.check(&[
                    ("beaker_queued_calls", 4),
                    ("beaker_calls_in_flight", 2),
                    ("beaker_queue_timeouts_total", 1),
                ]);
                closed.open();
                for call in calls {
                    drop(call.await);
                }
            });
            page.check(&[("beaker_queued_calls", 0), ("beaker_calls_in_flight", 0)]);
        });
    }

    #[test]
    fn sessions_of_tasks_are_measured_alike() {
        alone("in_tasks::sessions_of_tasks_are_measured_alike", |page| {
            beaker::metrics::publish();
            let backend = AsyncBackend::new(OnThreads::new(MemoryStore::new()), LocalLocks::new());
            let sessions = AsyncSessions::new(backend)
                .clock(Arc::new(Ticking::default()))
                .signed_by(Signer::random().unwrap());
            Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let mut session = sessions.create();
                session.save().await.unwrap();
                sessions.open(session.id()).await.unwrap();
                assert!(sessions.load(Some("beaker.session.id=forged")).await.unwrap().is_new());
            });
            page.check(&[
                ("beaker_session_save_seconds_count{result=\"saved\"}", 1),
                ("beaker_session_load_seconds_count{result=\"found\"}", 1),
                ("beaker_session_load_seconds_count{result=\"rejected\"}", 1),
                ("beaker_session_rejected_cookies_total{reason=\"signature\"}", 1),
            ]);
            assert_eq!(page.value("beaker_session_save_seconds_sum{result=\"saved\"}"), Some(0.1));
        });
    }
}

#[cfg(feature = "axum")]
#[path = "../../examples/prometheus.rs"]
#[allow(dead_code, reason = "the test asks it without its server")]
mod example;

/// The example, asked as a browser and then as Prometheus would.
#[cfg(feature = "axum")]
#[test]
fn the_example_renders_what_has_happened() {
    use axum::body::Body;
    use tower::ServiceExt;

    if std::env::var(ALONE).is_err() {
        return alone("the_example_renders_what_has_happened", |_| {});
    }
    let app = example::app(example::install().unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let get = |path: &str| {
        let request = http::Request::get(path).header("cookie", "beaker.session.id=forged");
        let request = request.body(Body::empty()).unwrap();
        runtime.block_on(async {
            let response = app.clone().oneshot(request).await.unwrap();
            assert!(response.status().is_success(), "{response:?}");
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        })
    };
    get("/");
    assert_eq!([get("/standings"), get("/standings")][1], "Kimi has 110 points\n");
    let text = get("/metrics");
    for line in [
        "# HELP beaker_session_save_seconds How long it took to save a session",
        "# TYPE beaker_session_save_seconds histogram",
        "beaker_session_save_seconds_count{result=\"saved\"} 1",
        "beaker_session_load_seconds_bucket{result=\"rejected\",le=\"+Inf\"} 1",
        "beaker_session_rejected_cookies_total{reason=\"signature\"} 1",
        "# TYPE beaker_cache_requests_total counter",
        "beaker_cache_requests_total{cache=\"points\",result=\"hit\"} 1",
        "beaker_cache_requests_total{cache=\"points\",result=\"miss\"} 1",
        "beaker_cache_load_seconds_count{cache=\"points\"} 1",
        "# TYPE beaker_cache_store_down gauge",
        "beaker_queued_calls 0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
}
