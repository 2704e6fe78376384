//! Sessions in dbm, beside redb itself with its file kept open by one process; and how soon another
//! process is let in meanwhile. On the disk, since that is what a write waits for.

use std::env;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use beaker::codec::{Bincode, Codec};
use beaker::key::Namespace;
use beaker::session::SessionData;
use beaker::store::{DbmStore, Precondition, Store};
use beaker::{Session, Sessions};
use benchmarks::{Limit, compare, data, drivers, sessions_of};
use redb::{Database, ReadableDatabase, TableDefinition};

const TABLE: TableDefinition<(&str, &[u8]), &[u8]> = TableDefinition::new("bare");
const ID: &[u8] = b"462cb4d9a9064d19a29e5a3127c5208a";

/// Names the folder in which a process of this program is the other one.
const OTHER: &str = "DBM_BENCHMARK_OTHER";

/// The other process is let in within this time, though this one uses the file without a pause.
const LET_IN: Duration = Duration::from_millis(50);

/// How often the other process asks to be let in.
const ASKS: usize = 100;

fn main() {
    if let Some(folder) = env::var_os(OTHER) {
        return be_the_other(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let sessions = sessions_of("dbm", &[("data_dir", folder.path().to_str().unwrap())]);
    let mut session = sessions.create();
    drivers(&mut session);
    session.save().unwrap();
    let bare = Database::create(folder.path().join("bare.redb")).unwrap();
    write(&bare, &data());
    compare(
        "dbm: load",
        Limit::Times(3.0),
        || drop(black_box(open(&sessions, &session))),
        || drop(black_box(read(&bare))),
    );
    let mut number = 0;
    compare(
        "dbm: load, change, save",
        Limit::Times(2.0),
        || {
            number += 1;
            let mut session = open(&sessions, &session);
            session.set("Suomi", number);
            session.save().unwrap();
        },
        || {
            let mut data = read(&bare);
            data.values.insert("Suomi".to_owned(), 7.into());
            write(&bare, &data);
        },
    );
    let_in(folder.path(), &sessions, &session);
}

fn open(sessions: &Sessions, session: &Session) -> Session {
    sessions.open(session.id()).unwrap()
}

fn read(bare: &Database) -> SessionData {
    let table = bare.begin_read().unwrap().open_table(TABLE).unwrap();
    Bincode.decode(table.get(("", ID)).unwrap().unwrap().value()).unwrap()
}

fn write(bare: &Database, data: &SessionData) {
    let transaction = bare.begin_write().unwrap();
    let bytes = Bincode.encode(data).unwrap();
    transaction.open_table(TABLE).unwrap().insert(("", ID), bytes.as_slice()).unwrap();
    transaction.commit().unwrap();
}

/// Another process reads and writes, each time that it gets a line, and prints what that took.
fn be_the_other(folder: &Path) {
    let store = DbmStore::open(folder).unwrap();
    let key = Namespace::new("other").key("key");
    let mut lines = std::io::stdin().lines();
    println!("ready");
    while lines.next().is_some() {
        let begun = Instant::now();
        store.get(&key).unwrap();
        store.put(&key, &[7; 200], None, Precondition::Always).unwrap();
        println!("{}", begun.elapsed().as_micros());
    }
}

struct Other {
    process: Child,
    stdin: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Other {
    fn start(folder: &Path) -> Other {
        let mut other = Command::new(env::current_exe().unwrap());
        other.env(OTHER, folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = other.spawn().unwrap();
        let (stdin, stdout) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut other = Other { process, stdin, lines: BufReader::new(stdout) };
        assert_eq!(other.line(), "ready");
        other
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

fn let_in(folder: &Path, sessions: &Sessions, session: &Session) {
    let begun = Instant::now();
    let mut other = Other::start(folder);
    println!(
        "dbm: another process has opened the file {:.1?} after it was started",
        begun.elapsed()
    );
    let stop = std::sync::atomic::AtomicBool::new(false);
    let times: Vec<Duration> = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let mut session = open(sessions, session);
                session.set("Suomi", 7);
                session.save().unwrap();
            }
        });
        let mut ask = || {
            writeln!(other.stdin, "go").unwrap();
            Duration::from_micros(other.line().parse().unwrap())
        };
        let times = (0..ASKS).map(|_| ask()).collect();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        times
    });
    drop(other.stdin);
    other.process.wait().unwrap();
    let longest = times.iter().max().unwrap();
    let verdict = if *longest <= LET_IN { "reached" } else { "MISSED" };
    let millis = longest.as_secs_f64() * 1e3;
    println!(
        "==> dbm: another process reads and writes: {millis:.1} ms at most; limit {LET_IN:?}: {verdict}"
    );
}
