//! The time as a value that tests can set: [`Timestamp`], [`Clock`], [`SystemClock`], [`ManualClock`].
//!
//! No other part of the library reads the time or sleeps, so tests can control both.

use std::fmt;
use std::ops::Add;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in microseconds since 1970, UTC. It prints as seconds with a fraction, as in Beaker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Creates a timestamp from microseconds since 1970.
    #[inline]
    #[must_use]
    pub const fn from_micros(micros: u64) -> Timestamp {
        Timestamp(micros)
    }

    /// Returns the microseconds since 1970.
    #[inline]
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Returns the time that has passed since `earlier`, or zero if `earlier` is later than this.
    #[inline]
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;

    #[inline]
    fn add(self, time: Duration) -> Timestamp {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Timestamp(self.0.saturating_add(micros))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Serialized as its number of microseconds.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        u64::deserialize(deserializer).map(Timestamp)
    }
}

/// A source of the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the time of day. Stored data outlives the process, so this is wall-clock time.
    fn now(&self) -> Timestamp;

    /// Returns a time that may lag behind [`now`](Clock::now) by a few milliseconds, but takes a tenth of the
    /// time to read. It serves to check whether something has expired, and as the time of a request, for
    /// which reading the exact clock twice was a fifteenth of the cost of its session.
    fn recent(&self) -> Timestamp {
        self.now()
    }

    /// Returns the time since some fixed moment of this process. It never goes back and ignores changes of
    /// the time of day, so deadlines, waits and back-offs are measured with it.
    ///
    /// The default implementation is the operating system's monotonic clock.
    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let start = *START;
        Instant::now().saturating_duration_since(start)
    }

    /// Sleeps for this time; used only between two attempts.
    fn sleep(&self, time: Duration);
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "its name is its only value")]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    /// Returns, on Linux, the time of the kernel's last tick, 1 to 10 ms ago; elsewhere the exact time.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[inline]
    fn recent(&self) -> Timestamp {
        use rustix::time::{ClockId, clock_gettime};
        let time = clock_gettime(ClockId::RealtimeCoarse);
        let micros = time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000;
        Timestamp(micros)
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// A clock for tests, which stands still until it is advanced.
#[derive(Debug)]
pub struct ManualClock {
    /// Guards both times; nothing slow happens while it is held.
    shown: Mutex<Shown>,
    moved: Condvar,
}

#[derive(Debug)]
struct Shown {
    now: Timestamp,
    /// Moves with `advance` alone: a step of the time of day leaves it as it is.
    monotonic: Duration,
}

impl ManualClock {
    /// Creates a clock that shows this time.
    #[must_use]
    pub fn new(now: Timestamp) -> ManualClock {
        let shown = Shown { now, monotonic: Duration::ZERO };
        ManualClock { shown: Mutex::new(shown), moved: Condvar::new() }
    }

    /// Advances the clock, and wakes everything that sleeps until then.
    pub fn advance(&self, time: Duration) {
        let mut shown = self.lock();
        shown.now = shown.now + time;
        shown.monotonic = shown.monotonic.saturating_add(time);
        self.moved.notify_all();
    }

    /// Sets the time of day, forwards or back, as an administrator or a time server does. No time passes:
    /// sleepers stay asleep.
    pub fn set(&self, now: Timestamp) {
        self.lock().now = now;
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    /// Creates a clock that shows 14 February 2009, 23:31:30 UTC: 1,234,567,890 seconds since 1970.
    fn default() -> ManualClock {
        ManualClock::new(Timestamp(1_234_567_890_000_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn monotonic(&self) -> Duration {
        self.lock().monotonic
    }

    fn sleep(&self, time: Duration) {
        let shown = self.lock();
        let until = shown.monotonic.saturating_add(time);
        drop(self.moved.wait_while(shown, |shown| shown.monotonic < until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn prints_seconds_with_a_fraction() {
        assert_eq!(Timestamp(1_234_567_890_000_042).to_string(), "1234567890.000042");
    }

    #[test]
    fn saturates() {
        assert_eq!(Timestamp(5) + Duration::MAX, Timestamp(u64::MAX));
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
    }

    #[test]
    fn the_recent_time_is_close_and_not_ahead() {
        let recent = SystemClock.recent();
        let now = SystemClock.now();
        assert!(recent <= now && now.since(recent) < Duration::from_secs(5), "{recent}, {now}");
    }

    #[test]
    fn a_step_of_the_time_of_day_is_no_passing_of_time() {
        let clock = ManualClock::default();
        clock.advance(Duration::from_secs(5));
        clock.set(Timestamp(7));
        assert_eq!((clock.now(), clock.monotonic()), (Timestamp(7), Duration::from_secs(5)));
    }

    #[test]
    fn the_monotonic_time_does_not_go_back() {
        let earlier = SystemClock.monotonic();
        assert!(SystemClock.monotonic() >= earlier);
    }

    #[test]
    fn a_sleeper_wakes_when_the_clock_passes_its_time() {
        let clock = Arc::new(ManualClock::default());
        let start = clock.now();
        let sleeper = {
            let clock = Arc::clone(&clock);
            std::thread::spawn(move || {
                clock.sleep(Duration::from_secs(60));
                clock.now()
            })
        };
        // Whether the sleeper started before or after, it ends: an hour is enough for both.
        while !sleeper.is_finished() {
            clock.advance(Duration::from_secs(3600));
            std::thread::yield_now();
        }
        assert!(sleeper.join().unwrap().since(start) >= Duration::from_secs(60));
    }
}
