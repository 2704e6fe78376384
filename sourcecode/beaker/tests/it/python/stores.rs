//! Sessions in the stores of a real Beaker: both sides write the same bytes in the same place, and wait for each
//! other's locks.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::store::python::BeakerFile;
use beaker::store::{Precondition, Store};
use serde_json::{Value as Json, json};

const ID: &str = "00112233445566778899aabbccddeeff";
const LOCK: &str = "container_file_lock/2/2a/2ab31b2b0c25d5f6cbc9e082f80ab7cd27ec6315.lock";

/// A Python process with Beaker's sessions in one place.
pub(super) struct Python {
    process: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    options: Json,
}

impl Python {
    pub(super) fn new(options: Json) -> Python {
        let path =
            std::env::var("BEAKER_PYTHON").expect("BEAKER_PYTHON names a Python with Beaker");
        let mut process = Command::new(path)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/python/stored.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Python { process, input, lines, options }
    }

    pub(super) fn send(&mut self, what: &Json) {
        writeln!(self.input, "{what}").unwrap();
    }

    pub(super) fn begin(&mut self, code: &str) {
        self.send(&json!({"options": self.options.clone(), "code": code}));
    }

    pub(super) fn next(&mut self) -> Json {
        let line = self.lines.next().expect("Beaker failed").unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Runs the code, and returns what it shows.
    pub(super) fn run(&mut self, code: &str) -> Json {
        self.begin(code);
        self.next()["shown"].take()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn id() -> Key {
    Namespace::default().key(ID)
}

/// Sessions begin on both sides, and either reads, replaces and deletes those of the other. `container` reads
/// what is in the place of a session.
fn check(store: &dyn Store, options: Json, container: &dyn Fn(&str) -> Vec<u8>) {
    let mut python = Python::new(options);
    // Python begins.
    python.run(&format!(
        "s = opened('{ID}'); s['user'] = 'R\u{e4}ikk\u{f6}nen'; s['n'] = 7; s.save()"
    ));
    let stored = store.get(&id()).unwrap().expect("what Python has saved");
    let (theirs, text) = (container(ID), str::from_utf8(&stored.bytes).unwrap().to_owned());
    assert!(text.starts_with("eJ"), "zlib in base64: {text}");
    let unchanged = Precondition::Unchanged(stored.version);
    store.put(&id(), text.as_bytes(), None, unchanged).unwrap().unwrap();
    assert!(theirs == container(ID), "the same text is the same bytes");

    // This side begins, with the same text.
    let other = "ffeeddccbbaa99887766554433221100";
    let key = Namespace::default().key(other);
    store.put(&key, text.as_bytes(), None, Precondition::Absent).unwrap().unwrap();
    let show = format!("s = opened('{other}'); answer['shown'] = [s['user'], s['n'], s.is_new]");
    assert_eq!(python.run(&show), json!(["R\u{e4}ikk\u{f6}nen", 7, false]));

    // Python changes what was seen here.
    let seen = store.get(&key).unwrap().unwrap().version;
    python.run(&format!("s = opened('{other}'); s['n'] += 1; s.save()"));
    let unchanged = Precondition::Unchanged(seen);
    assert!(store.put(&key, text.as_bytes(), None, unchanged).unwrap().is_none());
    assert!(!store.delete(&key, unchanged).unwrap());
    let now = store.get(&key).unwrap().unwrap();
    assert!(
        store
            .put(&key, text.as_bytes(), None, Precondition::Unchanged(now.version))
            .unwrap()
            .is_some()
    );

    // Either ends it.
    assert!(store.delete(&key, Precondition::Always).unwrap());
    let is_new = format!("answer['shown'] = opened('{other}').is_new");
    assert_eq!(python.run(&is_new), json!(true));
    python.run(&format!("opened('{ID}').namespace.remove()"));
}

fn file_options(folder: &tempfile::TempDir) -> Json {
    json!({"type": "file", "data_dir": folder.path(), "timeout": 600})
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn in_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = BeakerFile::open(folder.path()).unwrap();
    check(&store, file_options(&folder), &|id| {
        let place = format!("container_file/{}/{}/{id}.cache", &id[..1], &id[..2]);
        fs::read(folder.path().join(place)).unwrap()
    });
    assert_eq!(store.get(&id()).unwrap(), None);
}

/// `session.lock()` in Python keeps reads and writes of this side waiting.
#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn a_lock_of_python_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = BeakerFile::open(folder.path()).unwrap();
    store.put(&id(), b"eJyrVkpUslKoBQAJMgH+", None, Precondition::Absent).unwrap();
    let mut python = Python::new(file_options(&folder));
    for writes in [false, true] {
        python.begin(&format!(
            "from beaker.container import FileNamespaceManager
n = FileNamespaceManager('{ID}', data_dir='{}', digest_filenames=False)
n.acquire_write_lock(); say('locked'); wait(); n.release_write_lock()",
            folder.path().display()
        ));
        assert_eq!(python.next(), json!("locked"));
        thread::scope(|scope| {
            let (done, is_done) = mpsc::channel();
            let store = &store;
            scope.spawn(move || {
                let is_there = if writes {
                    store.put(&id(), b"new", None, Precondition::Always).unwrap().is_some()
                } else {
                    store.get(&id()).unwrap().is_some()
                };
                done.send(is_there).unwrap();
            });
            let early = is_done.recv_timeout(Duration::from_millis(300));
            python.send(&json!("go on"));
            assert!(early.is_err(), "it did not wait for Python");
            assert!(is_done.recv().unwrap());
        });
        python.next();
    }
    assert_eq!(&*store.get(&id()).unwrap().unwrap().bytes, b"new");
}

/// While this side writes, Python waits; and while it reads, Python reads too.
#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn python_waits_for_a_lock_of_this_side() {
    let folder = tempfile::tempdir().unwrap();
    let store = BeakerFile::open(folder.path()).unwrap();
    let mut python = Python::new(file_options(&folder));
    python.run(&format!("s = opened('{ID}'); s['n'] = 7; s.save()"));
    assert!(store.get(&id()).unwrap().is_some());
    let lock = File::open(folder.path().join(LOCK)).unwrap();
    lock.lock_shared().unwrap();
    assert_eq!(python.run(&format!("answer['shown'] = opened('{ID}')['n']")), json!(7));
    lock.unlock().unwrap();
    lock.lock().unwrap();
    python.begin(&format!("say('asked'); answer['shown'] = opened('{ID}')['n']"));
    assert_eq!(python.next(), json!("asked"));
    let (done, is_done) = mpsc::channel();
    let waiting = thread::spawn(move || {
        done.send(python.next()).unwrap();
    });
    assert!(is_done.recv_timeout(Duration::from_millis(300)).is_err(), "Python did not wait");
    lock.unlock().unwrap();
    assert_eq!(is_done.recv().unwrap()["shown"], json!(7));
    waiting.join().unwrap();
}

/// Both write as fast as they can, and neither ever reads half a session.
#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn both_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = BeakerFile::open(folder.path()).unwrap();
    let mut python = Python::new(file_options(&folder));
    python.run(&format!("s = opened('{ID}'); s['n'] = 0; s.save()"));
    python.begin(&format!(
        "say('begun')
for n in range(300):
    s = opened('{ID}')
    assert 'n' in s, s
    s['n'] += 1; s['text'] = 'x' * n; s.save()"
    ));
    python.next();
    let mut written = 0;
    for _ in 0..300 {
        let stored = store.get(&id()).unwrap().expect("it is always there");
        let unchanged = Precondition::Unchanged(stored.version);
        written += usize::from(store.put(&id(), &stored.bytes, None, unchanged).unwrap().is_some());
    }
    python.next();
    assert!(written > 0);
}

#[cfg(feature = "redis")]
#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn in_redis() {
    use beaker::store::RedisStore;
    use beaker::store::python::BeakerRedis;
    let server = servers::Redis::for_programs().unwrap();
    let store = BeakerRedis::new(RedisStore::open(&server.url(), Duration::from_secs(5)).unwrap());
    let options = json!({"type": "ext:redis", "url": server.url(), "timeout": 600});
    check(&store, options, &|id| {
        let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
        let key = format!("beaker_cache:{id}:session");
        redis::cmd("GET").arg(key).query(&mut connection).unwrap()
    });
    assert_eq!(store.get(&id()).unwrap(), None);
}

#[cfg(feature = "memcached")]
#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn in_memcached() {
    use beaker::store::MemcachedStore;
    use beaker::store::python::BeakerMemcached;
    let pool = servers::memcached::MemcachedPool::start(3).unwrap();
    let store =
        BeakerMemcached::new(MemcachedStore::open(&pool.url(), Duration::from_secs(5)).unwrap());
    let options = json!({"type": "ext:memcached", "url": pool.url(), "timeout": 600});
    check(&store, options.clone(), &|id| {
        let all = pool.addresses().into_iter().map(|address| item(address, id)).collect::<Vec<_>>();
        let found: Vec<_> = all.into_iter().filter(|item| item != b"END\r\n").collect();
        assert_eq!(found.len(), 1, "on one server");
        found.into_iter().next().unwrap()
    });
    // Each is on the server on which Python looks for it.
    let mut python = Python::new(options);
    let ids: Vec<String> = (0..20_u128).map(|n| format!("{:032x}", n * (u128::MAX / 19))).collect();
    for id in &ids[..10] {
        python.run(&format!("s = opened('{id}'); s['n'] = 7; s.save()"));
    }
    let text = store.get(&Namespace::default().key(&ids[0])).unwrap().unwrap().bytes;
    for id in &ids[10..] {
        let key = Namespace::default().key(id);
        store.put(&key, &text, None, Precondition::Absent).unwrap().unwrap();
    }
    for id in &ids {
        assert!(store.get(&Namespace::default().key(id)).unwrap().is_some());
        assert_eq!(python.run(&format!("answer['shown'] = opened('{id}')['n']")), json!(7));
    }
}

/// Returns the answer to a `get` of a session, with its flags.
#[cfg(feature = "memcached")]
fn item(address: std::net::SocketAddr, id: &str) -> Vec<u8> {
    use std::io::Read;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "get {id}_session\r\nquit\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod tables {
    use super::*;
    use beaker::store::python::BeakerDatabase;

    fn open(url: &str) -> BeakerDatabase {
        BeakerDatabase::open(url, BeakerDatabase::TABLE_NAME, Duration::from_secs(5)).unwrap()
    }

    fn options(url: &str) -> Json {
        json!({"type": "ext:database", "url": url, "timeout": 600})
    }

    #[cfg(feature = "sqlite")]
    #[ignore = "needs BEAKER_PYTHON"]
    #[test]
    fn in_sqlite() {
        // The table is made by either side.
        for python_begins in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("site.db");
            let url = format!("sqlite:///{}", path.display());
            if python_begins {
                Python::new(options(&url)).run(&format!("opened('{ID}')"));
            }
            let store = open(&url);
            check(&store, options(&url), &|id| {
                let connection = rusqlite::Connection::open(&path).unwrap();
                let text = "select data from beaker_cache where namespace = ?1";
                connection.query_row(text, [id], |row| row.get(0)).unwrap()
            });
            // What SQLAlchemy reads of what was written here.
            store.put(&id(), b"text", None, Precondition::Always).unwrap();
            let times = "import sqlalchemy as sa
from datetime import datetime
n = opened('ffffffffffffffffffffffffffffffff').namespace
with n.bind.connect() as c:
    row = c.execute(sa.select(n.table)).fetchone()
ages = [abs((datetime.now() - t).total_seconds()) for t in (row.accessed, row.created)]
answer['shown'] = [row.data, max(ages) < 20]";
            let shown = Python::new(options(&url)).run(times);
            assert_eq!(shown, json!([{"session": "text"}, true]));
        }
    }

    #[cfg(feature = "postgres")]
    #[ignore = "needs BEAKER_PYTHON"]
    #[test]
    fn in_postgresql() {
        use tokio_postgres::NoTls;
        let server = servers::Postgres::for_tests().unwrap().expect("it is installed");
        let (url, runtime) = (server.url(), tokio::runtime::Runtime::new().unwrap());
        let theirs = url.replace("postgres://", "postgresql+psycopg2://");
        for begins in ["python", "rust"] {
            let store = open(&theirs);
            if begins == "python" {
                Python::new(options(&theirs)).run(&format!("opened('{ID}')"));
            }
            check(&store, options(&theirs), &|id| {
                runtime.block_on(async {
                    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
                    tokio::spawn(connection);
                    let text = "select data from beaker_cache where namespace = $1";
                    client.query_one(text, &[&id]).await.unwrap().get(0)
                })
            });
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
                tokio::spawn(connection);
                client.batch_execute("drop table beaker_cache").await.unwrap();
            });
        }
    }
}
