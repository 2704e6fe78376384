//! Entries that dogpile.cache and Beaker's cache share, in a real redis and a real memcached.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use beaker::cache::{
    AsyncRegion, BeakerCacheFormat, Cache, DogpileFormat, OnTimeout, Region, RegionOptions,
};
use beaker::clock::{Clock, ManualClock, SystemClock, Timestamp};
use beaker::{Backend, ErrorKind, Value};
use serde_json::{Value as Json, json};
use servers::{Memcached, Redis};

/// The name of the cache, which is Beaker's namespace.
const CACHE: &str = "standings";
const MINUTE: Duration = Duration::from_secs(60);
const LOCKED_FOR: Duration = Duration::from_secs(30);
/// What the other side calls long ago.
const PAST: Duration = Duration::from_secs(1000);

/// A Python process with a cache.
struct Python {
    process: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Python {
    fn new(options: &Json) -> Python {
        let path = std::env::var("BEAKER_PYTHON").expect("BEAKER_PYTHON names a Python");
        let mut process = Command::new(path)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/python/caches.py"))
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Python { process, input, lines }
    }

    fn send(&mut self, what: &Json) {
        writeln!(self.input, "{what}").unwrap();
    }

    fn begin(&mut self, code: &str, key: &str) {
        self.send(&json!({"code": code, "key": key}));
    }

    #[track_caller]
    fn next(&mut self) -> Json {
        let line = self.lines.next().expect("Python failed").unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Runs the code, and returns what it shows.
    #[track_caller]
    fn run(&mut self, code: &str, key: &str) -> Json {
        self.begin(code, key);
        self.next()
    }

    #[track_caller]
    fn put(&mut self, key: &str, value: &Json) {
        self.send(&json!({"code": "side.put(key, value)", "key": key, "value": value}));
        self.next();
    }

    #[track_caller]
    fn get(&mut self, key: &str) -> Json {
        self.run("answer['shown'] = side.get(key)", key)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The servers of one test.
struct Servers {
    redis: Redis,
    memcached: Memcached,
    folder: tempfile::TempDir,
}

impl Servers {
    fn start() -> Servers {
        let (redis, memcached) = (Redis::for_programs(), Memcached::for_programs());
        let folder = tempfile::tempdir().unwrap();
        Servers { redis: redis.unwrap(), memcached: memcached.unwrap(), folder }
    }
}

/// A form that both sides know, and how either is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shared {
    Dogpile { backend: &'static str, is_json: bool, hashes: bool },
    BeakerRedis,
    BeakerMemcached,
    BeakerFile,
}

const DOGPILE_REDIS: &str = "dogpile.cache.redis";
const DOGPILE_MEMCACHED: &str = "dogpile.cache.memcached";
const DOGPILE_PYMEMCACHE: &str = "dogpile.cache.pymemcache";

fn all() -> Vec<Shared> {
    let mut all = vec![Shared::BeakerRedis, Shared::BeakerMemcached, Shared::BeakerFile];
    for backend in [DOGPILE_REDIS, DOGPILE_MEMCACHED, DOGPILE_PYMEMCACHE] {
        for (is_json, hashes) in [(true, false), (false, false), (false, true)] {
            all.push(Shared::Dogpile { backend, is_json, hashes });
        }
    }
    all
}

impl Shared {
    fn is_memcached(self) -> bool {
        match self {
            Shared::Dogpile { backend, .. } => backend != DOGPILE_REDIS,
            Shared::BeakerRedis | Shared::BeakerFile => false,
            Shared::BeakerMemcached => true,
        }
    }

    fn is_json(self) -> bool {
        matches!(self, Shared::Dogpile { is_json: true, .. })
    }

    fn is_beaker(self) -> bool {
        !matches!(self, Shared::Dogpile { .. })
    }

    fn python(self, servers: &Servers) -> Python {
        let memcached_at = || servers.memcached.url().replace("memcache://", "");
        Python::new(&match self {
            Shared::Dogpile { backend, is_json, hashes } => {
                let mut arguments = json!({"distributed_lock": true, "lock_timeout": 30});
                match backend {
                    DOGPILE_REDIS => {
                        arguments["url"] = servers.redis.url().into();
                        arguments["thread_local_lock"] = false.into();
                        arguments["lock_sleep"] = 0.01.into();
                    }
                    _ => arguments["url"] = memcached_at().into(),
                }
                json!({
                    "kind": "dogpile", "backend": backend, "arguments": arguments, "is_json": is_json,
                    "hashes": hashes,
                })
            }
            Shared::BeakerRedis => {
                json!({"kind": "beaker", "type": "ext:redis", "url": servers.redis.url()})
            }
            Shared::BeakerMemcached => json!({
                "kind": "beaker", "type": "ext:memcached", "url": memcached_at(),
                "memcache_module": "memcache", "lock_dir": servers.folder.path(),
            }),
            Shared::BeakerFile => {
                json!({"kind": "beaker", "type": "file", "data_dir": servers.folder.path()})
            }
        })
    }

    fn backend(self, servers: &Servers) -> Backend {
        let memcached_at = servers.memcached.url().replace("memcache://", "");
        let redis_at = servers.redis.url();
        let folder = servers.folder.path().to_str().unwrap();
        let (name, option, value) = match self {
            Shared::BeakerFile => ("file", "data_dir", folder),
            _ if self.is_memcached() => ("ext:memcached", "url", memcached_at.as_str()),
            _ => ("ext:redis", "url", redis_at.as_str()),
        };
        Backend::open(name, &[(option, value)]).unwrap()
    }

    fn options(self, servers: &Servers, options: RegionOptions) -> RegionOptions {
        match self {
            Shared::Dogpile { is_json, hashes, .. } => {
                let format = if is_json { DogpileFormat::json() } else { DogpileFormat::pickle() };
                let format = format.distributed_lock(LOCKED_FOR);
                options.shared_with_dogpile(if hashes { format.sha1_keys() } else { format })
            }
            Shared::BeakerMemcached => {
                let format = BeakerCacheFormat::new().lock_dir(servers.folder.path());
                options.shared_with_beaker(format)
            }
            Shared::BeakerRedis | Shared::BeakerFile => {
                options.shared_with_beaker(BeakerCacheFormat::new())
            }
        }
    }

    fn region(
        self,
        servers: &Servers,
        options: impl FnOnce(RegionOptions) -> RegionOptions,
    ) -> Region {
        let region = Region::named("short_term");
        let options = options(RegionOptions::new(self.backend(servers)).ttl(MINUTE));
        region.configure(self.options(servers, options)).unwrap();
        region
    }

    fn cache(self, servers: &Servers) -> Cache<Value> {
        self.region(servers, |options| options).cache(CACHE).unwrap()
    }
}

/// A key that no other test has.
fn fresh(name: &str) -> String {
    format!("{name}:{}", uuid::Uuid::new_v4().simple())
}

fn values() -> Vec<Json> {
    vec![
        Json::Null,
        json!(true),
        json!(0),
        json!(-7),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(1.5),
        json!(-1e300),
        json!("R\u{e4}ikk\u{f6}nen \u{1f3c1} | \0 \n"),
        json!(""),
        json!([]),
        json!({}),
        json!([1, [2.5, null, {"a": ["b", false]}]]),
        json!({"": 1, "\u{14f}": {"deep": [{}]}}),
        json!("x".repeat(100_000)),
    ]
}

fn value(json: &Json) -> Value {
    Value::of(json).unwrap()
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn entries_alternate() {
    let servers = Servers::start();
    for shared in all() {
        let (mut python, cache) = (shared.python(&servers), shared.cache(&servers));
        for python_begins in [true, false] {
            let key = fresh("alternate");
            assert_eq!((cache.get(&key).unwrap(), python.get(&key)), (None, json!("missing")));
            for (visit, one) in values().iter().enumerate() {
                if (visit % 2 == 0) == python_begins {
                    python.put(&key, one);
                } else {
                    cache.put(&key, value(one)).unwrap();
                }
                assert_eq!(cache.get(&key).unwrap(), Some(value(one)), "{shared:?}");
                assert_eq!(python.get(&key), json!([one]), "{shared:?}");
            }
        }
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn many_entries_at_once() {
    let servers = Servers::start();
    for shared in all() {
        let (mut python, cache) = (shared.python(&servers), shared.cache(&servers));
        let keys: Vec<String> = (0..20).map(|number| fresh(&number.to_string())).collect();
        cache
            .put_many(keys[..10].iter().map(|key| (key.as_str(), Value::from(key.as_str()))))
            .unwrap();
        for key in &keys[10..] {
            assert_eq!(python.get(key), json!("missing"));
            python.put(key, &key.as_str().into());
        }
        let found = cache.get_many(&keys).unwrap();
        assert!(found.iter().zip(&keys).all(|(one, key)| *one == Some(key.as_str().into())));
        assert!(keys[..10].iter().all(|key| python.get(key) == json!([key])), "{shared:?}");
        assert_eq!(cache.remove_many(&keys).unwrap(), 20);
        assert!(keys.iter().all(|key| python.get(key) == json!("missing")), "{shared:?}");
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn keys_are_the_same() {
    let servers = Servers::start();
    for shared in all() {
        let (mut python, cache) = (shared.python(&servers), shared.cache(&servers));
        let mut keys = vec![fresh("a"), fresh("A%b_c.d-e~"), fresh(&"x".repeat(200))];
        let hashes = matches!(shared, Shared::Dogpile { hashes: true, .. });
        if hashes || shared.is_beaker() || !shared.is_memcached() {
            keys.extend([fresh("with space"), fresh("Espa\u{f1}a \u{14f} \u{1f3c1}")]);
            keys.extend([fresh(&"y".repeat(1100)), fresh(&"\u{14f}".repeat(300))]);
        }
        for key in keys {
            python.put(&key, &json!([1]));
            assert_eq!(cache.get(&key).unwrap(), Some(value(&json!([1]))), "{shared:?} {key}");
            cache.put(&key, Value::from("two")).unwrap();
            assert_eq!(python.get(&key), json!(["two"]), "{shared:?} {key}");
        }
        let error = cache.get(7_u32).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("no text"), "{error}");
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn functions_have_the_same_keys() {
    for shared in all().into_iter().filter(|shared| !shared.is_memcached()) {
        // The functions have the same names each time.
        let servers = Servers::start();
        let mut python = shared.python(&servers);
        let region = shared.region(&servers, |options| options);
        if shared.is_beaker() {
            let code = "
@side.manager.cache('my_search_func')
def load(word, number): return [word, number]
load('gophers', 3), load('g' * 300, 3)
answer['shown'] = load._arg_namespace";
            let namespace = python.run(code, "");
            let namespace = namespace.as_str().unwrap();
            let cache = region.cache::<Value>(namespace).unwrap();
            for word in ["gophers", &"g".repeat(300)] {
                let key = BeakerCacheFormat::function_key(namespace, ["my_search_func", word, "3"]);
                assert_eq!(cache.get(&key).unwrap(), Some(value(&json!([word, 3]))));
            }
            continue;
        }
        let code = "
@side.region.cache_on_arguments(namespace='foo')
def one(a, b): return [a, b]
@side.region.cache_on_arguments()
def two(a): return a
one(3, '\u{14f}'), two(None)
answer['shown'] = one.__module__";
        let module = python.run(code, "");
        let module = module.as_str().unwrap();
        let cache = region.cache::<Value>(CACHE).unwrap();
        let key =
            DogpileFormat::function_key(&format!("{module}:one"), Some("foo"), ["3", "\u{14f}"]);
        assert_eq!(cache.get(&key).unwrap(), Some(value(&json!([3, "\u{14f}"]))));
        let key = DogpileFormat::function_key(&format!("{module}:two"), None, ["None"]);
        assert_eq!(cache.get(&key).unwrap(), Some(Value::Null));
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn what_has_expired_has_expired_for_both() {
    let servers = Servers::start();
    for shared in all() {
        let mut python = shared.python(&servers);
        let key = fresh("expired");
        // Python's entry of long ago.
        python.run("\nwith InThePast(): side.put(key, 'old')", &key);
        let cache = shared.cache(&servers);
        assert_eq!((cache.get(&key).unwrap(), python.get(&key)), (None, json!("missing")));
        let stale = cache.clone().stale_for(PAST);
        assert_eq!(stale.peek(&key).unwrap().unwrap().0, "old".into(), "{shared:?}");
        assert_eq!(cache.get_or_create(&key, || Value::from("new")).unwrap(), "new".into());
        assert_eq!(python.get(&key), json!(["new"]));
        // Ours of long ago.
        let now = SystemClock.now();
        let past = Timestamp::from_micros(now.as_micros() - PAST.as_micros() as u64);
        let clock = Arc::new(ManualClock::new(past));
        let back_then = shared.region(&servers, |options| options.clock(clock));
        let cache = back_then.cache::<Value>(CACHE).unwrap();
        cache.put(&key, Value::from("old")).unwrap();
        assert_eq!(cache.get(&key).unwrap(), Some("old".into()));
        assert_eq!(python.get(&key), json!("missing"), "{shared:?}");
        let made = python.run("answer['shown'] = side.create(key, lambda: 'newer')", &key);
        assert_eq!(
            (made, shared.cache(&servers).get(&key).unwrap()),
            (json!("newer"), Some("newer".into()))
        );
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn what_is_removed_is_removed_for_both() {
    let servers = Servers::start();
    for shared in all() {
        let (mut python, cache) = (shared.python(&servers), shared.cache(&servers));
        let key = fresh("removed");
        python.put(&key, &json!(1));
        assert!(cache.remove(&key).unwrap() && !cache.remove(&key).unwrap());
        assert_eq!(python.get(&key), json!("missing"));
        cache.put(&key, Value::from(2)).unwrap();
        python.run("side.remove(key)", &key);
        assert_eq!(cache.get(&key).unwrap(), None);
        // An invalidation is this process's own.
        python.put(&key, &json!(3));
        cache.invalidate().unwrap();
        assert_eq!((cache.get(&key).unwrap(), python.get(&key)), (None, json!([3])));
        python.put(&key, &json!(4));
        assert_eq!(cache.get(&key).unwrap(), Some(4.into()));
        let error = cache.invalidate_tag("drivers").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        match shared {
            Shared::BeakerRedis | Shared::BeakerFile => {
                cache.clear().unwrap();
                assert_eq!(python.get(&key), json!("missing"));
                cache.put(&key, Value::from(5)).unwrap();
                python.run("side.cache.clear()", &key);
                assert_eq!(cache.get(&key).unwrap(), None);
            }
            _ => assert_eq!(cache.clear().unwrap_err().kind(), ErrorKind::Config),
        }
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn a_region_is_invalidated_in_this_process() {
    let servers = Servers::start();
    for shared in all() {
        let mut python = shared.python(&servers);
        let region = shared.region(&servers, |options| options.stale_for(MINUTE));
        let cache = region.cache::<Value>(CACHE).unwrap();
        let key = fresh("region");
        python.put(&key, &json!(1));
        region.invalidate_softly().unwrap();
        assert_eq!(cache.get(&key).unwrap(), None);
        assert_eq!(cache.peek(&key).unwrap().unwrap().0, 1.into());
        region.invalidate().unwrap();
        assert_eq!(cache.peek(&key).unwrap(), None);
        assert_eq!(cache.get_or_create(&key, || Value::from(2)).unwrap(), 2.into());
        assert_eq!(python.get(&key), json!([2]));
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn what_cannot_be_read_stays() {
    let servers = Servers::start();
    for shared in all() {
        let (mut python, cache) = (shared.python(&servers), shared.cache(&servers));
        let key = fresh("garbage");
        let hashed = match shared {
            Shared::Dogpile { hashes: true, .. } => DogpileFormat::sha1_mangle_key(&key),
            _ => key.clone(),
        };
        let never = || -> Value { panic!("it must not be computed") };
        let check = |cache: &Cache<Value>| {
            for error in
                [cache.get(&key).unwrap_err(), cache.get_or_create(&key, never).unwrap_err()]
            {
                assert_eq!(error.kind(), ErrorKind::Codec, "{error}");
            }
            cache.get(&key).unwrap_err().to_string()
        };
        for garbage in ["b''", "b'|'", "b'\\x80\\x05garbage'", "'text'"] {
            python.run(&format!("side.raw(key, {garbage})"), &hashed);
            check(&cache);
        }
        if !shared.is_json() {
            python.run("side.put(key, datetime.date(2007, 10, 21))", &key);
            let error = check(&cache);
            assert!(error.contains("datetime.date"), "{error}");
            let shown = python.run("answer['shown'] = str(side.get(key)[0])", &key);
            assert_eq!(shown, json!("2007-10-21"));
        }
        // Another type of value than the caller asked for.
        python.put(&key, &json!("text"));
        let numbers = shared.region(&servers, |options| options).cache::<u32>(CACHE).unwrap();
        assert_eq!(numbers.get(&key).unwrap_err().kind(), ErrorKind::Codec);
        assert_eq!(python.get(&key), json!(["text"]));
        // What is asked for is done.
        assert!(numbers.remove(&key).unwrap());
        assert_eq!(python.get(&key), json!("missing"));
        python.run("side.raw(key, b'garbage')", &hashed);
        numbers.put(&key, 7_u32).unwrap();
        assert_eq!(python.get(&key), json!([7]));
    }
}

/// Python says that it computes, and goes on when it is told to.
const SLOWLY: &str = "
def slowly():
    say('computing')
    return wait()
answer['shown'] = side.create(key, slowly)";

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn while_python_computes_nobody_else_does() {
    let servers = Servers::start();
    for shared in all() {
        let mut python = shared.python(&servers);
        let key = fresh("python computes");
        let key = key.replace(' ', "_");
        python.begin(SLOWLY, &key);
        assert_eq!(python.next(), json!("computing"));
        let cache = shared.cache(&servers);
        let never = || -> Value { panic!("Python computes it") };
        let impatient = cache.clone().wait_timeout(Duration::from_millis(50), OnTimeout::Fail);
        let error = impatient.get_or_create(&key, never).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{shared:?}: {error}");
        thread::scope(|threads| {
            let waiters: Vec<_> =
                (0..3).map(|_| threads.spawn(|| cache.get_or_create(&key, never))).collect();
            python.send(&json!("Python's"));
            for waiter in waiters {
                assert_eq!(waiter.join().unwrap().unwrap(), "Python's".into());
            }
        });
        assert_eq!(python.next(), json!("Python's"));
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn while_we_compute_python_does_not() {
    let servers = Servers::start();
    for shared in all() {
        let (mut python, cache) = (shared.python(&servers), shared.cache(&servers));
        let key = fresh("ours");
        let hashed = match shared {
            Shared::Dogpile { hashes: true, .. } => DogpileFormat::sha1_mangle_key(&key),
            _ => key.clone(),
        };
        thread::scope(|threads| {
            // Dropped by a panic, so that the loader does not wait for ever.
            let ((began, begun), (end, ended)) = (channel(), channel());
            let ours = threads.spawn(|| {
                cache.get_or_create(&key, move || {
                    began.send(()).unwrap();
                    ended.recv().unwrap();
                    Value::from("ours")
                })
            });
            begun.recv().unwrap();
            let locked = python.run("answer['shown'] = side.is_locked(key)", &hashed);
            assert_eq!(locked, json!(true), "{shared:?}");
            let code = "
say('asking')
answer['shown'] = side.create(key, lambda: 'Python computed it too')";
            python.begin(code, &key);
            assert_eq!(python.next(), json!("asking"));
            end.send(()).unwrap();
            assert_eq!(ours.join().unwrap().unwrap(), "ours".into());
            assert_eq!(python.next(), json!("ours"), "{shared:?}");
        });
        // The lock is given back.
        let locked = python.run("answer['shown'] = side.is_locked(key)", &hashed);
        assert_eq!(locked, json!(false), "{shared:?}");
    }
}

/// Whoever has a stale value returns it, while the other side computes.
#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn a_stale_value_is_computed_once() {
    let servers = Servers::start();
    for shared in all() {
        let mut python = shared.python(&servers);
        let key = fresh("stale");
        python.run("\nwith InThePast(): side.put(key, 'old')", &key);
        python.begin(SLOWLY, &key);
        assert_eq!(python.next(), json!("computing"));
        let cache = shared.cache(&servers).stale_for(PAST);
        let never = || -> Value { panic!("Python computes it") };
        assert_eq!(cache.get_or_create(&key, never).unwrap(), "old".into(), "{shared:?}");
        python.send(&json!("new"));
        assert_eq!(python.next(), json!("new"));
        assert_eq!(cache.get_or_create(&key, never).unwrap(), "new".into());
    }
}

async fn never() -> Value {
    panic!("Python computes it")
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn tasks_share_the_same_entries() {
    let servers = Servers::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for shared in all() {
        let mut python = shared.python(&servers);
        runtime.block_on(async {
            let region = AsyncRegion::new(shared.region(&servers, |options| options));
            let cache = region.cache::<Value>(CACHE).unwrap();
            let key = fresh("tasks");
            python.put(&key, &json!(1));
            assert_eq!(cache.get(&key).await.unwrap(), Some(1.into()));
            assert!(cache.remove(&key).await.unwrap());
            assert_eq!(python.get(&key), json!("missing"));
            assert_eq!(
                cache.get_or_create(&key, || async { Value::from(2) }).await.unwrap(),
                2.into()
            );
            assert_eq!(python.get(&key), json!([2]), "{shared:?}");
            let key = fresh("tasks");
            python.begin(SLOWLY, &key);
            assert_eq!(python.next(), json!("computing"));
            let wait = Duration::from_millis(50);
            let impatient = cache.clone().wait_timeout(wait, OnTimeout::Fail);
            let error = impatient.get_or_create(&key, never).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            python.send(&json!("Python's"));
            assert_eq!(python.next(), json!("Python's"));
            let found = cache.get_or_create(&key, never).await.unwrap();
            assert_eq!(found, "Python's".into());
        });
    }
}
