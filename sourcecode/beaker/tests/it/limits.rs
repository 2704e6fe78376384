//! Rate limiters: their rules by a clock that is moved, and that 64 threads and 3 processes never get one too
//! many.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use beaker::limit::{RateLimit, RateLimiter};
use beaker::lock::LocalLocks;
use beaker::store::MemoryStore;
use beaker::{Backend, Clock, ErrorKind, ManualClock, Timestamp};

const MINUTE: Duration = Duration::from_secs(60);

/// A limiter in memory, at the beginning of a minute, and its clock.
fn limiter(rule: RateLimit) -> (RateLimiter, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_040_000_000)));
    let store = MemoryStore::with_clock(clock.clone());
    let limiter = RateLimiter::new(Backend::new(store, LocalLocks::new()), "limits", rule).unwrap();
    (limiter.with_clock(clock.clone()), clock)
}

#[track_caller]
fn allows(limiter: &RateLimiter, remaining: u32) {
    let decision = limiter.check("Kimi").unwrap();
    assert_eq!((decision.allowed, decision.remaining), (true, remaining));
    assert_eq!((decision.retry_after, decision.is_counted), (None, true));
}

#[track_caller]
fn refuses(limiter: &RateLimiter, after: Duration) {
    let decision = limiter.check("Kimi").unwrap();
    assert_eq!((decision.allowed, decision.remaining), (false, 0));
    assert_eq!(decision.retry_after, Some(after));
}

#[test]
fn a_window_allows_so_many_and_the_next_one_as_well() {
    let (limiter, clock) = limiter(RateLimit::fixed_window(3, MINUTE));
    (0..3).rev().for_each(|left| allows(&limiter, left));
    refuses(&limiter, MINUTE);
    clock.advance(MINUTE - Duration::from_millis(1));
    refuses(&limiter, Duration::from_millis(1));
    clock.advance(Duration::from_millis(1));
    (0..3).rev().for_each(|left| allows(&limiter, left));
    refuses(&limiter, MINUTE);
    // One whose clock is behind counts in the window of its clock.
    let behind = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_099_000_000)));
    refuses(&limiter.clone().with_clock(behind), Duration::from_secs(1));
}

#[test]
fn a_bucket_is_filled_evenly() {
    let (limiter, clock) = limiter(RateLimit::token_bucket(3, MINUTE));
    (0..3).rev().for_each(|left| allows(&limiter, left));
    refuses(&limiter, Duration::from_secs(20));
    clock.advance(Duration::from_secs(19));
    refuses(&limiter, Duration::from_secs(1));
    clock.advance(Duration::from_secs(1));
    allows(&limiter, 0);
    refuses(&limiter, Duration::from_secs(20));
    clock.advance(Duration::from_secs(50));
    (0..2).rev().for_each(|left| allows(&limiter, left));
    clock.advance(MINUTE * 100);
    (0..3).rev().for_each(|left| allows(&limiter, left));
    refuses(&limiter, Duration::from_secs(20));
    // A clock that was set back by a year makes nobody wait for a year.
    let earlier = clock.now().as_micros() - 365 * 24 * 3600 * 1_000_000;
    let earlier = Arc::new(ManualClock::new(Timestamp::from_micros(earlier)));
    refuses(&limiter.with_clock(earlier), Duration::from_secs(20));
}

#[test]
fn keys_and_names_have_limits_of_their_own_and_can_be_reset() {
    for rule in [RateLimit::fixed_window(1, MINUTE), RateLimit::token_bucket(1, MINUTE)] {
        let backend = Backend::memory();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_040_000_000)));
        let named = |name| {
            let limiter = RateLimiter::new(backend.clone(), name, rule).unwrap();
            limiter.with_clock(clock.clone())
        };
        let (one, other) = (named("one"), named("other"));
        let allowed = |limiter: &RateLimiter, key: &[u8]| limiter.check(key).unwrap().allowed;
        assert!(allowed(&one, b"a") && allowed(&one, b"b") && allowed(&other, b"a"));
        assert!(!allowed(&one, b"a") && !allowed(&one, b"b") && !allowed(&named("one"), b"a"));
        for key in [&b""[..], b"a:b", &[0, 0xff], &[b'x'; 5000]] {
            assert!(allowed(&one, key) && !allowed(&one, key), "{key:?}");
        }
        one.reset("a").unwrap();
        assert!(allowed(&one, b"a") && !allowed(&one, b"a") && !allowed(&one, b"b"));
    }
}

#[test]
fn rules_that_allow_nothing_are_refused_by_name() {
    let refused = |rule| {
        let error = RateLimiter::new(Backend::memory(), "limits", rule).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    };
    let message = refused(RateLimit::fixed_window(0, Duration::ZERO));
    assert!(message.contains("`limit` is 0") && message.contains("`window` is 0ns"), "{message}");
    let message = refused(RateLimit::token_bucket(0, Duration::from_micros(999)));
    assert!(message.contains("`burst` is 0") && message.contains("`refill` is 999µs"), "{message}");
    let message = refused(RateLimit::fixed_window(1, Duration::ZERO));
    assert!(message.contains("`window`") && !message.contains("`limit`"), "{message}");
    for rule in [RateLimit::fixed_window, RateLimit::token_bucket] {
        let longest = RateLimiter::new(Backend::memory(), "limits", rule(u32::MAX, Duration::MAX));
        assert_eq!(longest.unwrap().check("Kimi").unwrap().remaining, u32::MAX - 1);
    }
}

/// Nobody listens there.
#[cfg(feature = "redis")]
const NOBODY: &[(&str, &str)] = &[("url", "redis://127.0.0.1:1"), ("deadline", "200")];

#[cfg(feature = "redis")]
#[test]
fn without_a_store_it_fails_unless_it_is_told_to_allow() {
    for rule in [RateLimit::fixed_window(5, MINUTE), RateLimit::token_bucket(5, MINUTE)] {
        let backend = Backend::open("ext:redis", NOBODY).unwrap();
        let limiter = RateLimiter::new(backend, "limits", rule).unwrap();
        assert_eq!(limiter.check("Kimi").unwrap_err().kind(), ErrorKind::Unavailable);
        let limiter = limiter.on_store_failure(beaker::limit::OnStoreFailure::Allow);
        let beaker::limit::Decision { allowed, limit, remaining, retry_after, is_counted, .. } =
            limiter.check("Kimi").unwrap();
        assert_eq!((allowed, limit, remaining), (true, 5, 5));
        assert_eq!((retry_after, is_counted), (None, false));
        assert_eq!(limiter.reset("Kimi").unwrap_err().kind(), ErrorKind::Unavailable);
    }
}

#[cfg(all(feature = "tokio", feature = "redis"))]
#[test]
fn tasks_have_the_same() {
    use beaker::AsyncBackend;
    use beaker::limit::AsyncRateLimiter;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_040_000_000)));
        for rule in [RateLimit::fixed_window(2, MINUTE), RateLimit::token_bucket(2, MINUTE)] {
            let limiter = AsyncRateLimiter::new(AsyncBackend::memory(), "limits", rule).unwrap();
            let limiter = limiter.with_clock(clock.clone());
            for allowed in [true, true, false] {
                assert_eq!(limiter.check("Kimi").await.unwrap().allowed, allowed);
            }
            limiter.reset("Kimi").await.unwrap();
            assert!(limiter.check("Kimi").await.unwrap().allowed);

            let backend = AsyncBackend::open("ext:redis", NOBODY).unwrap();
            let limiter = AsyncRateLimiter::new(backend, "limits", rule).unwrap();
            assert_eq!(limiter.check("Kimi").await.unwrap_err().kind(), ErrorKind::Unavailable);
            let limiter = limiter.on_store_failure(beaker::limit::OnStoreFailure::Allow);
            assert!(!limiter.check("Kimi").await.unwrap().is_counted);
            let rule = RateLimit::fixed_window(0, MINUTE);
            assert!(AsyncRateLimiter::new(AsyncBackend::memory(), "limits", rule).is_err());
        }
    });
}

/// What three processes may do together, in a window and from a bucket that last longer than the test.
const LIMIT: u32 = 200;
const AGE: Duration = Duration::from_secs(30_000 * 24 * 3600);
const RULES: [RateLimit; 2] =
    [RateLimit::fixed_window(LIMIT, AGE), RateLimit::token_bucket(LIMIT, AGE)];

const PROCESSES: usize = 3;
const THREADS: usize = 64;

/// How often each thread asks: more than there is, all together.
const CHECKS: usize = 3;

/// Says in which backend a process asks, and where it writes what it was allowed.
const ASKS: &str = "BEAKER_TEST_ASKS_A_LIMITER";

fn check(name: &str, options: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let start = |number: usize| {
        let mut words = vec![name.to_owned()];
        words.extend(options.iter().map(|(option, value)| format!("{option}={value}")));
        words.push(folder.path().join(number.to_string()).to_str().unwrap().to_owned());
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "limits::asks_in_a_process_of_its_own", "--quiet"])
            .env(ASKS, words.join("\n"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..PROCESSES).map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success(), "{name}");
    }
    let allowed = |rule: usize| -> u32 {
        let of = |number: usize| {
            let text = fs::read_to_string(folder.path().join(number.to_string())).unwrap();
            text.lines().nth(rule).unwrap().parse::<u32>().unwrap()
        };
        (0..PROCESSES).map(of).sum()
    };
    assert_eq!((allowed(0), allowed(1)), (LIMIT, LIMIT), "{name}");
}

/// Not a test of its own: what the others start three times.
#[test]
fn asks_in_a_process_of_its_own() {
    let Ok(words) = std::env::var(ASKS) else { return };
    let mut words: Vec<&str> = words.lines().collect();
    let file = words.pop().unwrap();
    let options: Vec<_> = words[1..].iter().map(|word| word.split_once('=').unwrap()).collect();
    let allowed = RULES.map(|rule| {
        #[cfg(feature = "tokio")]
        if file.ends_with('2') {
            return in_tasks(words[0], &options, rule);
        }
        let backend = Backend::open(words[0], &options).unwrap();
        in_threads(&RateLimiter::new(backend, "limits", rule).unwrap())
    });
    fs::write(file, allowed.map(|allowed| allowed.to_string()).join("\n")).unwrap();
}

fn in_threads(limiter: &RateLimiter) -> u32 {
    let (start, allowed) = (Barrier::new(THREADS), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..CHECKS {
                    let decision = limiter.check("everybody").unwrap();
                    allowed.fetch_add(decision.allowed.into(), Ordering::Relaxed);
                }
            });
        }
    });
    allowed.into_inner()
}

#[cfg(feature = "tokio")]
fn in_tasks(name: &str, options: &[(&str, &str)], rule: RateLimit) -> u32 {
    use beaker::AsyncBackend;
    use beaker::limit::AsyncRateLimiter;

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let backend = AsyncBackend::open(name, options).unwrap();
        let limiter = AsyncRateLimiter::new(backend, "limits", rule).unwrap();
        let asks = (0..THREADS).map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move {
                let mut allowed = 0;
                for _ in 0..CHECKS {
                    allowed += u32::from(limiter.check("everybody").await.unwrap().allowed);
                }
                allowed
            })
        });
        let mut all = 0;
        for asked in asks.collect::<Vec<_>>() {
            all += asked.await.unwrap();
        }
        all
    })
}

#[test]
fn never_one_too_many_in_memory() {
    for rule in RULES {
        let limiter = RateLimiter::new(Backend::memory(), "limits", rule).unwrap();
        assert_eq!(in_threads(&limiter), THREADS as u32 * CHECKS as u32);
        assert_eq!(in_threads(&limiter), LIMIT - THREADS as u32 * CHECKS as u32);
    }
}

#[test]
fn never_one_too_many_in_files() {
    let folder = tempfile::tempdir().unwrap();
    check("file", &[("data_dir", folder.path().to_str().unwrap()), ("queue_timeout", "60000")]);
}

#[cfg(feature = "dbm")]
#[test]
fn never_one_too_many_in_dbm() {
    let folder = tempfile::tempdir().unwrap();
    check("dbm", &[("data_dir", folder.path().to_str().unwrap()), ("queue_timeout", "60000")]);
}

#[cfg(feature = "memcached")]
#[test]
fn never_one_too_many_in_memcached() {
    let server = servers::Memcached::for_programs().unwrap();
    let url = server.url();
    let options = [("url", url.as_str()), ("deadline", "20000"), ("queue_timeout", "60000")];
    check("ext:memcached", &options);
}

#[cfg(feature = "redis")]
#[test]
fn never_one_too_many_in_redis() {
    let server = servers::Redis::for_programs().unwrap();
    check("ext:redis", &[("url", &server.url()), ("deadline", "20000")]);
}

#[cfg(feature = "sqlite")]
#[test]
fn never_one_too_many_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.db");
    let url = file.to_str().unwrap();
    check("ext:database", &[("url", url), ("deadline", "120000"), ("queue_timeout", "60000")]);
}

#[cfg(feature = "postgres")]
#[servers::needs(postgresql)]
#[test]
fn never_one_too_many_in_postgresql() {
    let server = servers::Postgres::for_tests().unwrap().expect("it is installed");
    check("ext:database", &[("url", &server.url()), ("deadline", "60000")]);
}
