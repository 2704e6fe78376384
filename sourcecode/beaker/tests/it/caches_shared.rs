//! Caches over what processes share: made once among three of them, freed by who was killed, and what
//! is removed or invalidated elsewhere stays so.

use std::any::Any;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use beaker::cache::{CacheEntry, OnTimeout};
use beaker::lock::LeaseLocks;
use beaker::{Backend, Clock, ManualClock, SystemClock};

use crate::any_cache::{AnyCache, WORLDS, World};

const WORK: &str = "BEAKER_TEST_CACHES_IN";
const SECOND: Duration = Duration::from_secs(1);

/// A backend that processes share.
struct Place {
    name: &'static str,
    options: Vec<(&'static str, String)>,
    /// How long a killed holder keeps a key from others, at most; nothing is the usual lease.
    lease: Option<Duration>,
    _server: Box<dyn Any>,
}

impl Place {
    fn new(name: &'static str, options: &[(&'static str, &str)], server: impl Any) -> Place {
        let options = options.iter().map(|(option, value)| (*option, (*value).to_owned()));
        Place { name, options: options.collect(), lease: None, _server: Box::new(server) }
    }

    fn has_file_locks(&self) -> bool {
        matches!(self.name, "file" | "dbm")
    }

    fn open(&self, world: World) -> AnyCache<String> {
        let options: Vec<_> = self.options.iter().map(|(name, value)| (*name, &**value)).collect();
        open(world, self.name, &options, self.lease)
    }

    /// A process that does this, on the same backend, with threads or with tasks.
    fn process(&self, world: World, work: &str) -> Process {
        let lease = self.lease.unwrap_or_default().as_millis().to_string();
        let world = format!("{world:?}");
        let mut words = vec![world, work.to_owned(), lease, self.name.to_owned()];
        words.extend(self.options.iter().map(|(option, value)| format!("{option}={value}")));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "caches_shared::works_in_a_process_of_its_own", "--nocapture"])
            .env(WORK, words.join("\n"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Process { child, lines }
    }
}

type Act = fn(&AnyCache<String>);

fn open(
    world: World,
    name: &str,
    options: &[(&str, &str)],
    lease: Option<Duration>,
) -> AnyCache<String> {
    let mut backend = Backend::open(name, options).unwrap();
    if let Some(lease) = lease {
        let store = Arc::clone(backend.store());
        backend = backend.with_locks(LeaseLocks::with(store, lease, Arc::new(SystemClock)));
    }
    AnyCache::new(world, backend, "shared")
}

/// Every backend that processes share, and that this is compiled with.
fn each(check: impl Fn(Place)) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    check(Place::new("file", &[("data_dir", data_dir)], ()));
    #[cfg(feature = "dbm")]
    check(Place::new("dbm", &[("data_dir", data_dir)], ()));
    #[cfg(feature = "sqlite")]
    {
        let file = folder.path().join("cache.db");
        let options = [("url", file.to_str().unwrap()), ("deadline", "60000")];
        check(Place::new("ext:database", &options, ()));
    }
    #[cfg(feature = "memcached")]
    {
        let server = servers::Memcached::for_programs().unwrap();
        let options = [("url", &*server.url()), ("deadline", "20000")];
        check(Place::new("ext:memcached", &options, server));
    }
    #[cfg(feature = "redis")]
    {
        let server = servers::Redis::for_programs().unwrap();
        let options = [("url", &*server.url()), ("deadline", "20000")];
        check(Place::new("ext:redis", &options, server));
    }
}

/// And with what the other process, or this one, is made of.
fn each_with_each_world(check: impl Fn(Place, World)) {
    WORLDS.iter().for_each(|world| each(|place| check(place, *world)));
}

struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// What it says next; a test harness says things of its own.
    fn says(&mut self) -> String {
        let said = self.lines.by_ref().map_while(Result::ok);
        let mut said = said.filter_map(|line| line.strip_prefix("> ").map(str::to_owned));
        said.next().expect("the process ended and did not say it")
    }

    /// Lets it go on.
    fn go_on(&mut self) {
        writeln!(self.child.stdin.as_ref().unwrap(), "go on").unwrap();
    }

    fn ends(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

/// Not a test of its own: what the others start.
#[test]
fn works_in_a_process_of_its_own() {
    let Ok(words) = std::env::var(WORK) else { return };
    let words: Vec<&str> = words.lines().collect();
    let [world, work, lease, name, ref options @ ..] = words[..] else { panic!("{words:?}") };
    let world = WORLDS.iter().find(|it| format!("{it:?}") == world).unwrap();
    let options: Vec<_> = options.iter().map(|word| word.split_once('=').unwrap()).collect();
    let lease = Some(Duration::from_millis(lease.parse().unwrap())).filter(|it| !it.is_zero());
    let cache = open(*world, name, &options, lease);
    match work.split_once(' ') {
        None => make(&cache),
        Some((threads, log)) => graze(&cache, threads.parse().unwrap(), log),
    }
}

fn say(what: &str) {
    println!("\n> {what}");
}

fn wait_to_go_on() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    assert_eq!(line, "go on\n");
}

/// Makes a value, as slowly as it is told.
fn make(cache: &AnyCache<String>) {
    let made = cache.get_or_create("k", || {
        say("creating");
        wait_to_go_on();
        CacheEntry::new("made by the other process".to_owned()).tag("t")
    });
    say(&made.unwrap());
}

/// So many threads want one value. Whoever makes it notes that.
fn graze(cache: &AnyCache<String>, threads: usize, log: &str) {
    say("here");
    wait_to_go_on();
    let start = Barrier::new(threads);
    let create = || {
        let made = format!("made by {}", std::process::id());
        let mut log = OpenOptions::new().append(true).open(log).unwrap();
        writeln!(log, "{made}").unwrap();
        SystemClock.sleep(Duration::from_millis(50));
        made
    };
    let get = || {
        start.wait();
        cache.get_or_create("herd", create).unwrap()
    };
    let values: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(get)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    say(&values.join(","));
}

#[test]
fn a_herd_of_three_processes_makes_a_value_once() {
    each(|place| {
        let log = tempfile::NamedTempFile::new().unwrap();
        let process = |(at, threads)| {
            let work = format!("{threads} {}", log.path().display());
            place.process(WORLDS[at % WORLDS.len()], &work)
        };
        let mut processes = [(0, 22), (1, 21), (2, 21)].map(process);
        for process in &mut processes {
            assert_eq!(process.says(), "here");
        }
        processes.iter_mut().for_each(Process::go_on);
        let values: Vec<String> = processes.iter_mut().map(Process::says).collect();
        processes.into_iter().for_each(Process::ends);
        let made = std::fs::read_to_string(log.path()).unwrap();
        assert_eq!(made.lines().count(), 1, "{}: {made}", place.name);
        let values: Vec<&str> = values.iter().flat_map(|values| values.split(',')).collect();
        assert_eq!(values.len(), 64);
        assert!(values.iter().all(|value| *value == made.trim_end()), "{made}: {values:?}");
        println!("{}: 3 processes, 64 threads, 1 creation", place.name);
    });
}

#[test]
fn a_maker_that_is_killed_frees_the_key() {
    each_with_each_world(|mut place, world| {
        let at_once = place.has_file_locks();
        place.lease = (!at_once).then_some(SECOND);
        place.open(World::Threads).remove("k").unwrap();
        let mut maker = place.process(world, "make");
        assert_eq!(maker.says(), "creating");
        let open = || place.open(world);
        let impatient = open().wait_timeout(Duration::ZERO, OnTimeout::Fail);
        let refused = impatient.get_or_create("k", || "too early".to_owned());
        assert_eq!(refused.unwrap_err().kind(), beaker::ErrorKind::Unavailable);
        maker.child.kill().unwrap();
        maker.child.wait().unwrap();
        // A lock file is free as soon as its holder is gone; a lease runs out.
        let cache = if at_once { impatient } else { open() };
        assert_eq!(cache.get_or_create("k", || "made here".to_owned()).unwrap(), "made here");
        assert_eq!(open().get("k").unwrap().as_deref(), Some("made here"));
    });
}

#[test]
fn what_another_process_does_during_a_creation_wins() {
    let acts: [(&str, Act); 5] = [
        ("a removal", |cache| assert!(!cache.remove("k").unwrap())),
        ("an invalidation", |cache| cache.invalidate().unwrap()),
        ("a tag's invalidation", |cache| cache.invalidate_tag("t").unwrap()),
        ("a clearing", |cache| cache.clear().unwrap()),
        ("a write", |cache| cache.put("k", "written".to_owned()).unwrap()),
    ];
    each_with_each_world(|place, world| {
        for (what, act) in acts {
            let here = place.open(World::Threads);
            here.remove("k").unwrap();
            let mut maker = place.process(world, "make");
            assert_eq!(maker.says(), "creating");
            act(&here);
            maker.go_on();
            assert_eq!(maker.says(), "made by the other process");
            maker.ends();
            let wanted = (what == "a write").then_some("written");
            for cache in [&here, &place.open(world)] {
                assert_eq!(cache.get("k").unwrap().as_deref(), wanted, "{}: {what}", place.name);
            }
        }
    });
}

#[test]
fn an_invalidation_is_seen_after_a_restart_and_elsewhere_within_a_second() {
    let acts: [Act; 2] =
        [|cache| cache.invalidate().unwrap(), |cache| cache.invalidate_tag("t").unwrap()];
    each_with_each_world(|place, world| {
        let clock = Arc::new(ManualClock::default());
        let open = || place.open(world).clock(clock.clone());
        let elsewhere = place.open(World::Threads).clock(clock.clone());
        elsewhere.clear().unwrap();
        clock.advance(SECOND);
        let here = open();
        for act in acts {
            clock.advance(SECOND);
            here.put("k", CacheEntry::new("old".to_owned()).tag("t")).unwrap();
            assert_eq!(elsewhere.get("k").unwrap().as_deref(), Some("old"));
            act(&here);
            assert_eq!(here.get("k").unwrap(), None, "{}", place.name);
            assert_eq!(open().get("k").unwrap(), None, "{}: a restart", place.name);
            clock.advance(SECOND);
            assert_eq!(elsewhere.get("k").unwrap(), None, "{}: elsewhere", place.name);
            assert_eq!(elsewhere.get_or_create("k", || "new".to_owned()).unwrap(), "new");
            assert_eq!(here.get("k").unwrap().as_deref(), Some("new"));
        }
    });
}

#[cfg(feature = "memcached")]
#[test]
fn a_server_that_is_stopped_is_an_error_and_nothing_more() {
    WORLDS.iter().for_each(|world| check_stopped_server(*world));
}

#[cfg(feature = "memcached")]
fn check_stopped_server(world: World) {
    let server = servers::BuiltIn::memcached().unwrap();
    let options = [("url", &*server.url()), ("deadline", "300")];
    let cache = open(world, "ext:memcached", &options, None);
    let create = || "made".to_owned();
    assert_eq!(cache.get_or_create("k", create).unwrap(), "made");
    server.fault(servers::Fault::Refuse);
    for _ in 0..3 {
        let errors = [
            cache.get("k").unwrap_err(),
            cache.get_or_create("k", create).unwrap_err(),
            cache.get_or_create("other", create).unwrap_err(),
            cache.remove("k").unwrap_err(),
            cache.invalidate().unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), beaker::ErrorKind::Unavailable, "{error:?}");
            assert!(error.to_string().contains(&server.address().to_string()), "{error}");
        }
    }
    server.fault(servers::Fault::None);
    assert_eq!(cache.get("k").unwrap().as_deref(), Some("made"));
    assert_eq!(cache.get_or_create("other", create).unwrap(), "made");
    assert_eq!(cache.stats().creations, 2, "{}", cache.stats());
}
