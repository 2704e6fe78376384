//! The background sweeper: what it removes, what it reports, how it stops.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::store::{FileStore, MemoryStore, Precondition, Store, Stored, SweepProgress, Version};
use beaker::{Error, ErrorKind, ManualClock, Result, Sweeper, sweeper};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn it_sweeps_at_once_and_reports() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(FileStore::open(folder.path()).unwrap().with_clock(clock.clone()));
    for number in 0..5000 {
        let key = Namespace::default().key(format!("{number:05}"));
        store.put(&key, b"x", Some(HOUR), Precondition::Always).unwrap();
    }
    clock.advance(HOUR);
    let (report, reports) = mpsc::channel();
    let sweeper = Sweeper::start(store.clone(), HOUR, move |swept| report.send(swept).unwrap());
    assert_eq!(reports.recv().unwrap().unwrap(), 5000);
    // It waits an hour for the next round, but not when it is dropped.
    drop(sweeper);
    assert_eq!(sweeper::sweep(&*store).unwrap(), 0);
}

/// A store whose disk fails every other time.
#[derive(Debug, Default)]
struct Failing(MemoryStore, std::sync::atomic::AtomicUsize);

impl Store for Failing {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.0.get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.0.put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.0.delete(key, when)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.0.clear(namespace)
    }

    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        match self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 2 {
            0 => Err(Error::new(ErrorKind::Storage, "on purpose")),
            _ => self.0.sweep(most),
        }
    }
}

#[test]
fn an_error_is_reported_and_the_next_round_tries_again() {
    let (report, reports) = mpsc::channel();
    let store = Arc::new(Failing::default());
    let interval = Duration::from_millis(1);
    let _sweeper = Sweeper::start(store, interval, move |swept| drop(report.send(swept))).unwrap();
    assert_eq!(reports.recv().unwrap().unwrap_err().kind(), ErrorKind::Storage);
    assert_eq!(reports.recv().unwrap().unwrap(), 0);
    assert!(reports.recv().unwrap().is_err());
}
