//! Herds: 64 threads want one value that is missing and takes 50 ms to make. What counts is the time
//! from their common start until the last one has it: in one process, beside moka's `get_with`; and in
//! three processes, over each backend.
//!
//! Prints the median of five rounds: `cargo bench -p benchmarks --bench herd`, or with `-- 15` for
//! fifteen.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use beaker::{Backend, Cache, Clock, SystemClock};
use servers::{Memcached, Postgres, Redis};

const HERD: &str = "BEAKER_BENCH_HERD_IN";
const CREATOR: Duration = Duration::from_millis(50);

/// What the median may be, in one process and in three.
const ONE_PROCESS: Duration = Duration::from_millis(58);
const THREE_PROCESSES: Duration = Duration::from_millis(70);

fn main() {
    if let Ok(words) = std::env::var(HERD) {
        return graze_as_told(&words);
    }
    let rounds = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(5);
    let ours = Cache::in_memory(1000);
    let moka = moka::sync::Cache::new(1000);
    let get =
        |key: &str, create: &(dyn Fn() -> u64 + Sync)| ours.get_or_create(key, create).unwrap();
    in_one("ours, in memory", rounds, Some(ONE_PROCESS), get);
    in_one("moka", rounds, None, |key, create| moka.get_with(key.to_owned(), create));

    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let sqlite = folder.path().join("herd.db");
    let (memcached, redis) = (Memcached::for_programs().unwrap(), Redis::for_programs().unwrap());
    println!("{}; {}", memcached.describe(), redis.describe());
    let url = |url: &str| format!("url={url}");
    in_three("file", "file", &format!("data_dir={data_dir}"), rounds);
    in_three("dbm", "dbm", &format!("data_dir={data_dir}"), rounds);
    in_three("SQLite", "ext:database", &url(sqlite.to_str().unwrap()), rounds);
    in_three("memcached", "ext:memcached", &url(&memcached.url()), rounds);
    in_three("redis", "ext:redis", &url(&redis.url()), rounds);
    if let Some(postgres) = Postgres::for_tests().unwrap() {
        in_three("PostgreSQL", "ext:database", &url(&postgres.url()), rounds);
    }
}

fn in_one(
    name: &str,
    rounds: usize,
    limit: Option<Duration>,
    get: impl Fn(&str, &(dyn Fn() -> u64 + Sync)) -> u64 + Sync,
) {
    let times = (0..rounds).map(|round| {
        let creations = AtomicUsize::new(0);
        let time = herd(
            64,
            || {},
            || {
                get(&format!("key {round}"), &|| {
                    creations.fetch_add(1, Ordering::Relaxed);
                    SystemClock.sleep(CREATOR);
                    7
                });
            },
        );
        assert_eq!(creations.into_inner(), 1, "{name}");
        time
    });
    report(&format!("one process, {name}"), limit, times.collect());
}

/// The time that so many threads take, from their start, which is after `ready`, to the end of the last.
fn herd(threads: usize, ready: impl FnOnce(), get: impl Fn() + Sync) -> Duration {
    let start = Barrier::new(threads + 1);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    get();
                })
            })
            .collect();
        ready();
        let begun = Instant::now();
        start.wait();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        begun.elapsed()
    })
}

struct Process {
    child: Child,
    says: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(words: &str) -> Process {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(HERD, words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(child.stdout.take().unwrap()).lines();
        Process { child, says }
    }

    fn tell(&mut self, word: &str) {
        writeln!(self.child.stdin.as_ref().unwrap(), "{word}").unwrap();
    }

    fn hear(&mut self) -> String {
        self.says.next().unwrap().unwrap()
    }
}

fn in_three(name: &str, back_end: &str, option: &str, rounds: usize) {
    let words = |threads| format!("{threads}\n{back_end}\n{option}");
    let mut processes = [22, 21, 21].map(|threads| Process::start(&words(threads)));
    let times = (0..rounds).map(|round| {
        processes.iter_mut().for_each(|process| process.tell(&format!("key {round}")));
        processes.iter_mut().for_each(|process| assert_eq!(process.hear(), "ready"));
        let begun = Instant::now();
        processes.iter_mut().for_each(|process| process.tell("go"));
        let creations = processes.iter_mut().map(|process| process.hear().parse::<u64>().unwrap());
        let creations: u64 = creations.sum();
        let time = begun.elapsed();
        assert_eq!(creations, 1, "{name}");
        time
    });
    let times = times.collect();
    for Process { mut child, .. } in processes {
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
    report(&format!("three processes, {name}"), Some(THREE_PROCESSES), times);
}

/// In a process of its own: a herd a round, each time with the key that is told.
fn graze_as_told(words: &str) {
    let [threads, back_end, option] = words.lines().collect::<Vec<_>>()[..] else {
        panic!("{words}")
    };
    let backend = Backend::open(back_end, &[option.split_once('=').unwrap()]).unwrap();
    let cache: Cache<u64> = Cache::new(backend, "herd");
    let mut told = std::io::stdin().lines();
    while let Some(key) = told.next() {
        let key = key.unwrap();
        let before = cache.stats().creations;
        let ready = || {
            println!("ready");
            assert_eq!(told.next().unwrap().unwrap(), "go");
        };
        let create = || {
            SystemClock.sleep(CREATOR);
            7
        };
        let get = || assert_eq!(cache.get_or_create(&key, create).unwrap(), 7);
        herd(threads.parse().unwrap(), ready, get);
        println!("{}", cache.stats().creations - before);
    }
}

fn report(name: &str, limit: Option<Duration>, mut times: Vec<Duration>) {
    times.sort();
    let median = times[times.len() / 2];
    let verdict = limit.map(|limit| match median <= limit {
        true => format!("; limit {limit:?}: reached"),
        false => format!("; limit {limit:?}: MISSED"),
    });
    let (least, most) = (times[0], times[times.len() - 1]);
    let verdict = verdict.unwrap_or_default();
    println!("==> {name}: {median:.1?} ({least:.1?} to {most:.1?}){verdict}");
}
