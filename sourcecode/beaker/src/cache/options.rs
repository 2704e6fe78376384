//! The options of a [`Cache`], each for one handle: the same values, by other rules.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::near::Near;
use super::objects::Objects;
use super::storage::Storage;
use super::time::Time;
use super::{Cache, Runner, Then};
use crate::clock::Clock;

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Values are fresh for so long; for ever, if nothing is said.
    pub fn expire(mut self, time: Duration) -> Cache<V> {
        self.policy.expire = Some(time);
        self
    }

    /// For so long after it has expired, a value may be given while a new one is made, and when a new
    /// one cannot be made.
    pub fn stale_for(mut self, time: Duration) -> Cache<V> {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        // Some say this at each call, and a write would be passed around between the cores.
        if self.shared.longest_stale.load(Ordering::Relaxed) < micros {
            self.shared.longest_stale.fetch_max(micros, Ordering::Relaxed);
        }
        self.policy.stale_for = time;
        self
    }

    /// Values expire sooner by chance, by up to this part of their time (0 to 1): so that what was made
    /// together does not expire together.
    pub fn jitter(mut self, part: f64) -> Cache<V> {
        self.policy.set_jitter(part);
        self
    }

    /// Makes a value anew before it expires, by chance: the more likely the closer its end is and the
    /// longer its making took. 1 is what the theory says (XFetch); 0, the default, is never. So a key
    /// that is in use all the time never expires.
    pub fn refresh_early(mut self, eagerness: f64) -> Cache<V> {
        self.policy.set_eagerness(eagerness);
        self
    }

    /// After a creator has failed or panicked, all who want the same get its error for so long, and it is not
    /// called again: 100 ms, if nothing is said.
    pub fn back_off(mut self, time: Duration) -> Cache<V> {
        self.policy.back_off = time;
        self
    }

    /// Waits for a value that somebody else makes for so long at most, and then does this. Without it,
    /// a call waits until the other one has ended.
    pub fn wait_at_most(mut self, time: Duration, then: Then) -> Cache<V> {
        (self.policy.wait_at_most, self.policy.then) = (Some(time), then);
        self
    }

    /// Whether a stale value is given when the creator fails, as is the default, and not its error.
    pub fn stale_on_failure(mut self, stale: bool) -> Cache<V> {
        self.policy.stale_on_failure = stale;
        self
    }

    /// What runs the creators of [`get_or_refresh`](Cache::get_or_refresh): a pool of threads, say. A
    /// thread each, 64 at a time at most, if nothing is said. A runner that is full drops the work; one
    /// that panics does so in whoever asked for the value.
    pub fn run_in(mut self, runner: Runner) -> Cache<V> {
        self.policy.runner = Some(runner);
        self
    }

    /// Goes by another clock than the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Cache<V> {
        self.time = Time::Of(clock);
        self
    }

    /// The same values with so many of them in this process's memory, for so long each: a hit costs
    /// what memory costs. What others change or invalidate is seen that much later; what this process
    /// does, through this handle, at once. A cache in memory stays as it is.
    pub fn near(self, most: usize, time: Duration) -> Cache<V> {
        let behind = match &self.shared.storage {
            Storage::Objects(_) => return self,
            Storage::Bytes(_) => Arc::clone(&self.shared),
            // One memory is enough: this one takes the place of the other.
            Storage::Near(near) => Arc::clone(&near.behind),
        };
        let near = Near::new(Objects::new(most), time, behind);
        let Cache { policy, time, .. } = self;
        Cache { policy, time, ..Cache::on(Storage::Near(near)) }
    }
}
