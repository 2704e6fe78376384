//! The time of day is put ahead and back by an hour while calls are in flight: none fails and none waits
//! longer, since deadlines, waits and beliefs go by a clock that such a step does not move.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::{LeaseLocks, Locks};
use beaker::store::{MemoryStore, Precondition, Store, Stored, Version};
use beaker::{Clock, Error, ErrorKind, ManualClock, Timestamp};

const HOUR: Duration = Duration::from_secs(3600);
const LEASE: Duration = Duration::from_secs(10);

fn key(name: &str) -> Key {
    Namespace::new("steps").key(name)
}

/// Steps ahead, and then back to before.
fn steps(clock: &ManualClock) -> [Timestamp; 2] {
    let now = clock.now().as_micros();
    let hour = HOUR.as_micros() as u64;
    [now + hour, now - hour].map(Timestamp::from_micros)
}

/// Stands between a client and its server, and holds answers back.
struct Gate {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Something was held back.
    held: Receiver<()>,
}

#[derive(Default)]
struct Shared {
    holds: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn before(server: SocketAddr) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let (tell, held) = mpsc::channel();
        let gate = Gate { address, shared: Arc::clone(&shared), held };
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
                let (mut questions, mut to) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = std::io::copy(&mut questions, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
                let (shared, tell) = (Arc::clone(&shared), tell.clone());
                thread::spawn(move || answers(server, client, &shared, &tell));
            }
        });
        gate
    }

    /// Calls while the answer is held back, and does this meanwhile.
    fn during<T: Send>(&self, call: impl FnOnce() -> T + Send, meanwhile: impl FnOnce()) -> T {
        *self.shared.holds.lock().unwrap() = true;
        thread::scope(|scope| {
            let call = scope.spawn(call);
            self.held.recv().unwrap();
            meanwhile();
            *self.shared.holds.lock().unwrap() = false;
            self.shared.opened.notify_all();
            call.join().unwrap()
        })
    }
}

/// The first byte comes before what is done meanwhile, and the others after: so the client reads once
/// more, and asks how much time is left.
fn answers(mut server: TcpStream, mut client: TcpStream, shared: &Shared, tell: &Sender<()>) {
    let mut bytes = [0; 65_536];
    while let Ok(count @ 1..) = server.read(&mut bytes) {
        let mut rest = &bytes[..count];
        let mut holds = shared.holds.lock().unwrap();
        if *holds {
            if client.write_all(&rest[..1]).is_err() {
                return;
            }
            rest = &rest[1..];
            let _ = tell.send(());
            while *holds {
                holds = shared.opened.wait(holds).unwrap();
            }
        }
        drop(holds);
        if client.write_all(rest).is_err() {
            return;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}

/// Reading, writing and removing through the gate, with a step during each.
fn check(store: &dyn Store, gate: &Gate, clock: &ManualClock) {
    let key = key("k");
    store.put(&key, b"v", None, Precondition::Always).unwrap();
    let start = clock.now();
    for to in steps(clock) {
        let step = || clock.set(to);
        let read = gate.during(|| store.get(&key), step).unwrap().unwrap();
        assert_eq!(&*read.bytes, b"v");
        clock.set(start);
        let written = gate.during(|| store.put(&key, b"v", None, Precondition::Always), step);
        assert!(written.unwrap().is_some());
        clock.set(start);
        let unchanged = Precondition::Unchanged(store.get(&key).unwrap().unwrap().version);
        let written = gate.during(|| store.put(&key, b"v", None, unchanged), step);
        assert!(written.unwrap().is_some());
        clock.set(start);
    }
    let steps = steps(clock);
    assert!(
        gate.during(|| store.delete(&key, Precondition::Always), || clock.set(steps[0])).unwrap()
    );
}

const DEADLINE: Duration = Duration::from_secs(30);

#[test]
fn memcached() {
    let server = servers::Memcached::for_programs().unwrap();
    let address = server.url().trim_start_matches("memcache://").to_owned();
    let gate = Gate::before(address.parse().unwrap());
    let clock = Arc::new(ManualClock::default());
    let store = beaker::store::MemcachedStore::open(&gate.address.to_string(), DEADLINE).unwrap();
    check(&store.with_clock(clock.clone()), &gate, &clock);
}

#[cfg(feature = "sqlite")]
#[test]
fn a_removed_file_is_noticed_whatever_the_time_of_day_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/sessions.db");
    let clock = Arc::new(ManualClock::default());
    let table = beaker::store::DatabaseStore::TABLE_NAME;
    let url = file.to_str().unwrap();
    let store = beaker::store::DatabaseStore::open(url, table, DEADLINE).unwrap();
    let store = store.with_clock(clock.clone());
    for to in steps(&clock) {
        store.put(&key("k"), b"x", None, Precondition::Always).unwrap();
        std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
        clock.set(to);
        clock.advance(Duration::from_millis(10));
        assert!(store.put(&key("k"), b"y", None, Precondition::Absent).unwrap().is_some());
        assert_eq!(&*store.get(&key("k")).unwrap().unwrap().bytes, b"y");
    }
}

/// A host's way to the store, which can be cut: what is left of a host that was killed.
#[derive(Debug)]
struct Way {
    store: Arc<MemoryStore>,
    cut: AtomicBool,
}

impl Way {
    fn open(&self) -> Result<&MemoryStore, Error> {
        let cut = self.cut.load(Ordering::SeqCst);
        if cut { Err(Error::new(ErrorKind::Unavailable, "it is cut")) } else { Ok(&self.store) }
    }
}

impl Store for Way {
    fn get(&self, key: &Key) -> beaker::Result<Option<Stored>> {
        self.open()?.get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> beaker::Result<Option<Version>> {
        self.open()?.put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> beaker::Result<bool> {
        self.open()?.delete(key, when)
    }

    fn clear(&self, namespace: &Namespace) -> beaker::Result<()> {
        self.open()?.clear(namespace)
    }
}

/// Time that passes as it is waited for: whoever sleeps moves it on. The thread that renews leases sleeps
/// until others have done so, and says that it does.
#[derive(Debug, Default)]
struct Paced {
    time: ManualClock,
    /// How often the renewing threads have begun to sleep.
    asleep: AtomicUsize,
}

impl Clock for Paced {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn monotonic(&self) -> Duration {
        self.time.monotonic()
    }

    fn sleep(&self, time: Duration) {
        if thread::current().name() != Some("beaker-leases") {
            return self.time.advance(time);
        }
        let until = self.time.monotonic() + time;
        self.asleep.fetch_add(1, Ordering::SeqCst);
        while self.time.monotonic() < until {
            thread::yield_now();
        }
    }
}

#[test]
fn the_lease_of_a_killed_holder_ends_though_the_time_was_put_back() {
    for polls in [false, true] {
        let clock = Arc::new(Paced::default());
        let store = Arc::new(MemoryStore::with_clock(clock.clone()));
        let way = Arc::new(Way { store: store.clone(), cut: AtomicBool::new(false) });
        let killed = LeaseLocks::with(way.clone(), LEASE, clock.clone());
        let other = LeaseLocks::with(store, LEASE, clock.clone());
        let hold = || killed.lock(&key("k")).unwrap();
        let held = thread::scope(|scope| scope.spawn(hold).join().unwrap());
        way.cut.store(true, Ordering::SeqCst);
        let [_, back] = steps(&clock.time);
        clock.time.set(back);
        let start = clock.monotonic();
        if polls {
            while other.try_lock(&key("k")).unwrap().is_none() {
                clock.sleep(Duration::from_millis(8));
            }
        } else {
            drop(other.lock(&key("k")).unwrap());
        }
        let waited = clock.monotonic() - start;
        assert!(waited < LEASE * 2, "{waited:?}");
        assert!(waited >= LEASE, "{waited:?}: its holder may have been at work");
        drop(held);
        // So that the renewing threads end.
        clock.time.advance(LEASE);
    }
}

/// The holder works on and renews; whoever asks gets the lease when it is given back, and not before.
#[test]
fn a_lease_that_is_renewed_is_not_taken_over() {
    let clock = Arc::new(Paced::default());
    let store = Arc::new(MemoryStore::with_clock(clock.clone()));
    let locks = || LeaseLocks::with(store.clone(), LEASE, clock.clone());
    let (one, other) = (locks(), locks());
    let lease = Namespace::new("beaker.lease").key("steps:k");
    let version = || store.get(&lease).unwrap().map(|stored| stored.version);
    let hold = || one.lock(&key("k")).unwrap();
    let held = thread::scope(|scope| scope.spawn(hold).join().unwrap());
    let [_, back] = steps(&clock.time);
    clock.time.set(back);
    for round in 1..=12 {
        // The holder has renewed it as often as it should, and nobody was slower than time.
        while clock.asleep.load(Ordering::SeqCst) < round {
            thread::yield_now();
        }
        assert!(other.try_lock(&key("k")).unwrap().is_none(), "two holders");
        let before = version();
        clock.time.advance(LEASE / 3);
        while version() == before {
            thread::yield_now();
        }
    }
    drop(held);
    assert!(other.try_lock(&key("k")).unwrap().is_some());
    clock.time.advance(LEASE);
}
