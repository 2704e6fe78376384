//! Beaker's table in SQLite and PostgreSQL.

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use beaker::key::Namespace;
use beaker::store::python::BeakerDatabase;
use beaker::store::{Precondition, Store};
use beaker::{Backend, ErrorKind};

use super::{
    ID, TEXT, check_left_alone, check_races, check_sessions, dictionary, foreign, id, unhex,
};

const DEADLINE: Duration = Duration::from_secs(20);

fn open(url: &str) -> BeakerDatabase {
    BeakerDatabase::open(url, BeakerDatabase::TABLE_NAME, DEADLINE).unwrap()
}

/// What a test does to the table itself.
trait Table {
    fn url(&self) -> String;
    /// Writes a row as Beaker does, or another one.
    fn write(&self, namespace: &str, data: &[u8]);
    fn data(&self, namespace: &str) -> Option<Vec<u8>>;
    /// The number of rows.
    fn rows(&self) -> i64;
}

/// What is the same for both databases.
fn check(table: &dyn Table) {
    let store = open(&table.url());
    check_sessions(&store);
    check_races(&store);
    store.delete(&id(), Precondition::Always).unwrap();
    assert_eq!(table.rows(), 0);

    store.put(&id(), TEXT.as_bytes(), None, Precondition::Absent).unwrap().unwrap();
    assert_eq!(table.data(ID), Some(dictionary(5)));
    let version = store.get(&id()).unwrap().unwrap().version;
    // Python writes another one.
    table.write(ID, &unhex("80057d948c0773657373696f6e948c036e657794732e"));
    assert_eq!(&*store.get(&id()).unwrap().unwrap().bytes, b"new");
    assert!(store.put(&id(), b"x", None, Precondition::Unchanged(version)).unwrap().is_none());
    // Other entries stay: {'a': {1, 2}, 'session': 'text', b'k': 1.5}
    let mixed = "8004952f000000000000007d94288c0161948f94284b014b02908c0773657373696f6e948c04746578749443016b9447\
                 3ff8000000000000752e";
    table.write(ID, &unhex(mixed));
    let version = store.get(&id()).unwrap().unwrap().version;
    assert!(store.delete(&id(), Precondition::Unchanged(version)).unwrap());
    assert_eq!(store.get(&id()).unwrap(), None);
    assert!(table.data(ID).unwrap().contains(&b'k'));

    for bytes in foreign() {
        table.write(ID, &bytes);
        check_left_alone(&store, || table.data(ID).unwrap() == bytes);
        store.clear(&Namespace::default()).unwrap();
        assert_eq!(table.data(ID), Some(bytes));
    }
    assert!(store.delete(&id(), Precondition::Always).unwrap());
    check_list(table, &store);
    check_absent_at_once(&store);
}

/// Sessions are listed and cleared, and caches stay: `{b'k': ...}`, of a name that is as long as an id too.
fn check_list(table: &dyn Table, store: &BeakerDatabase) {
    let sessions = Namespace::default();
    let entries = "80059537000000000000007d942843026b31944741d954fc401000004d100e8c02763194879443026b32944741d954fc40\
                   1000004d100e5d94284b014e658794752e";
    let caches = ["mytemplate.html", "ffffffffffffffffffffffffffffffff"];
    caches.iter().for_each(|name| table.write(name, &unhex(entries)));
    let ids: Vec<_> = (0..40_u32).map(|number| sessions.key(format!("{number:032x}"))).collect();
    for id in &ids {
        store.put(id, b"text", None, Precondition::Always).unwrap();
    }
    for most in [1, 7, 1000] {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let page = store.keys(&sessions, from.as_ref(), most).unwrap();
            found.extend(page.keys);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(found, ids);
    }
    store.clear(&sessions).unwrap();
    assert!(store.get_many(&ids).unwrap().iter().all(Option::is_none));
    assert_eq!(table.rows(), 2);
}

/// Where there is no row, nothing can be locked.
fn check_absent_at_once(store: &BeakerDatabase) {
    for round in 0..20_u32 {
        let key = Namespace::default().key(format!("{round:032x}"));
        let start = Barrier::new(16);
        let written: usize = thread::scope(|scope| {
            let put = |number: usize| {
                start.wait();
                let when = if number < 8 { Precondition::Absent } else { Precondition::Always };
                let written = store.put(&key, b"text", None, when).unwrap().is_some();
                usize::from(written && number < 8)
            };
            let threads: Vec<_> = (0..16).map(|number| scope.spawn(move || put(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert!(written <= 1, "{written} of 8 have created it");
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::*;
    use rusqlite::{Connection, OptionalExtension};

    struct File(tempfile::TempDir);

    impl File {
        fn new() -> File {
            File(tempfile::tempdir().unwrap())
        }

        fn connect(&self) -> Connection {
            Connection::open(self.0.path().join("site.db")).unwrap()
        }
    }

    impl Table for File {
        fn url(&self) -> String {
            format!("sqlite:///{}", self.0.path().join("site.db").display())
        }

        fn write(&self, namespace: &str, data: &[u8]) {
            let text = "insert into beaker_cache (namespace, accessed, created, data) \
                        values (?1, '2023-11-14 22:13:20.250000', '2023-11-14 22:13:20.250000', ?2) \
                        on conflict (namespace) do update set data = excluded.data";
            self.connect().execute(text, (namespace, data)).unwrap();
        }

        fn data(&self, namespace: &str) -> Option<Vec<u8>> {
            let text = "select data from beaker_cache where namespace = ?1";
            self.connect().query_row(text, [namespace], |row| row.get(0)).optional().unwrap()
        }

        fn rows(&self) -> i64 {
            let text = "select count(*) from beaker_cache";
            self.connect().query_row(text, [], |row| row.get(0)).unwrap()
        }
    }

    #[cfg(feature = "conformance")]
    #[test]
    fn the_contract() {
        super::super::sessions::check_contract(open(&File::new().url()));
    }

    #[test]
    fn sessions() {
        check(&File::new());
    }

    #[test]
    fn the_columns_and_the_journal() {
        let file = File::new();
        let store = open(&file.url());
        store.put(&id(), b"text", None, Precondition::Absent).unwrap();
        let connection = file.connect();
        let mode: String =
            connection.query_row("pragma journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "delete", "that is how Python has it");
        let columns = "select group_concat(name || ' ' || lower(type) || ' ' || \"notnull\" || pk, ', ') \
                       from pragma_table_info('beaker_cache')";
        let columns: String = connection.query_row(columns, [], |row| row.get(0)).unwrap();
        let expected = "id integer 11, namespace varchar(255) 10, accessed datetime 10, created datetime 10, \
                        data blob 10";
        assert_eq!(columns, expected);
        // The local time, as SQLAlchemy reads it, and the same clock for both.
        let times = "select accessed, created, typeof(accessed), accessed between \
                     strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime', '-20 seconds') and \
                     strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime', '+1 seconds') from beaker_cache";
        let row = |row: &rusqlite::Row<'_>| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get::<_, bool>(3)?))
        };
        let (accessed, created, kind, is_now): (String, String, _, _) =
            connection.query_row(times, [], row).unwrap();
        assert_eq!((accessed.len(), &accessed[19..20], kind.as_str()), (26, ".", "text"));
        assert!(is_now && accessed == created, "{accessed}");
        // A write sets one of them.
        connection.execute("update beaker_cache set accessed = 'x', created = 'y'", []).unwrap();
        store.put(&id(), b"new", None, Precondition::Always).unwrap();
        let (accessed, created): (String, String) = connection
            .query_row("select accessed, created from beaker_cache", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert!(accessed.len() == 26 && created == "y");
        // What is no pickle because it is no bytes.
        connection.execute("update beaker_cache set data = 7", []).unwrap();
        check_left_alone(&store, || {
            file.connect()
                .execute("select 1 where 7 = (select data from beaker_cache)", [])
                .is_err()
        });
    }

    /// `ext:sqla` has a table without numbers, and somebody has turned the write-ahead log on.
    #[test]
    fn a_table_that_is_there() {
        let file = File::new();
        let connection = file.connect();
        connection
            .execute_batch(
                "create table sessions (namespace varchar(255) not null, accessed datetime not null, \
                 created datetime not null, data blob not null, primary key (namespace)); \
                 create table other (a)",
            )
            .unwrap();
        connection.pragma_update(None, "journal_mode", "wal").unwrap();
        let url = file.url().replace("sqlite:", "sqlite+pysqlite:");
        let store = BeakerDatabase::open(&url, "sessions", DEADLINE).unwrap();
        store.put(&id(), b"text", None, Precondition::Absent).unwrap().unwrap();
        assert!(store.get(&id()).unwrap().is_some());
        let mode: String =
            connection.query_row("pragma journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        for (table, kind) in [("other", ErrorKind::Config), ("a b", ErrorKind::Config)] {
            let error = BeakerDatabase::open(&url, table, DEADLINE).unwrap_err();
            assert_eq!(error.kind(), kind, "{error:?}");
        }
    }

    #[test]
    fn a_file_that_is_locked_or_none() {
        let file = File::new();
        let path = file.0.path().join("site.db");
        let options = [("url", path.to_str().unwrap()), ("deadline", "400")];
        let backend = Backend::open_beaker("ext:database", &options).unwrap();
        backend.ping().unwrap();
        backend.store().put(&id(), b"text", None, Precondition::Absent).unwrap().unwrap();
        let connection = file.connect();
        connection.execute_batch("begin exclusive").unwrap();
        for error in [
            backend.store().get(&id()).unwrap_err(),
            backend.store().put(&id(), b"x", None, Precondition::Always).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert!(error.to_string().contains("`00112233…`"), "{error}");
        }
        connection.execute_batch("rollback").unwrap();
        assert!(backend.store().get(&id()).unwrap().is_some());
        fs::write(file.0.path().join("text"), "this is no database at all").unwrap();
        let text = file.0.path().join("text");
        let error =
            BeakerDatabase::open(text.to_str().unwrap(), "beaker_cache", DEADLINE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage, "{error:?}");
        assert!(Path::new(&text).exists());
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::*;
    use servers::Postgres;
    use tokio::runtime::{Builder, Runtime};
    use tokio_postgres::{Client, NoTls};

    struct Server {
        server: Postgres,
        runtime: Runtime,
        client: Client,
    }

    impl Server {
        fn new() -> Server {
            let server = Postgres::for_tests().unwrap().expect("it is installed");
            let runtime =
                Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let url = server.url();
            let client = runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
                tokio::spawn(connection);
                client
            });
            Server { server, runtime, client }
        }
    }

    impl Table for Server {
        fn url(&self) -> String {
            self.server.url()
        }

        fn write(&self, namespace: &str, data: &[u8]) {
            let text = "insert into beaker_cache (namespace, accessed, created, data) \
                        values ($1, localtimestamp, localtimestamp, $2) \
                        on conflict (namespace) do update set data = excluded.data";
            self.runtime.block_on(self.client.execute(text, &[&namespace, &data])).unwrap();
        }

        fn data(&self, namespace: &str) -> Option<Vec<u8>> {
            let text = "select data from beaker_cache where namespace = $1";
            let row = self.runtime.block_on(self.client.query_opt(text, &[&namespace])).unwrap();
            row.map(|row| row.get(0))
        }

        fn rows(&self) -> i64 {
            let text = "select count(*) from beaker_cache";
            self.runtime.block_on(self.client.query_one(text, &[])).unwrap().get(0)
        }
    }

    #[cfg(feature = "conformance")]
    #[servers::needs(postgresql)]
    #[test]
    fn the_contract() {
        super::super::sessions::check_contract(open(&Server::new().server.url()));
    }

    #[servers::needs(postgresql)]
    #[test]
    fn sessions() {
        check(&Server::new());
    }

    #[servers::needs(postgresql)]
    #[test]
    fn the_columns_and_a_server_that_is_stopped() {
        let mut server = Server::new();
        let url = server.url().replace("postgres://", "postgresql+psycopg2://");
        let store = open(&url);
        store.put(&id(), b"text", None, Precondition::Absent).unwrap().unwrap();
        let columns = "select string_agg(column_name || ' ' || data_type || ' ' || is_nullable, ', ' \
                       order by ordinal_position) from information_schema.columns \
                       where table_name = 'beaker_cache'";
        let columns: String =
            server.runtime.block_on(server.client.query_one(columns, &[])).unwrap().get(0);
        let expected = "id integer NO, namespace character varying NO, \
                        accessed timestamp without time zone NO, \
                        created timestamp without time zone NO, data bytea NO";
        assert_eq!(columns, expected);
        let times = "select accessed = created and accessed between \
                     localtimestamp - interval '20 seconds' and localtimestamp from beaker_cache";
        assert!(
            server.runtime.block_on(server.client.query_one(times, &[])).unwrap().get::<_, bool>(0)
        );

        server.server.stop();
        for error in [
            store.get(&id()).unwrap_err(),
            store.put(&id(), b"x", None, Precondition::Always).unwrap_err(),
            store.delete(&id(), Precondition::Always).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert!(error.to_string().contains("`00112233…`"), "{error}");
        }
        server.server.start_again().unwrap();
        assert_eq!(&*store.get(&id()).unwrap().unwrap().bytes, b"text");
    }

    /// While somebody else has the row, a write waits, and gives up in time.
    #[servers::needs(postgresql)]
    #[test]
    fn a_row_that_is_locked() {
        let server = Server::new();
        let short = Duration::from_millis(600);
        let store = BeakerDatabase::open(&server.url(), "beaker_cache", short).unwrap();
        store.put(&id(), b"text", None, Precondition::Absent).unwrap().unwrap();
        let say = |text: &str| server.runtime.block_on(server.client.batch_execute(text)).unwrap();
        say("begin; select data from beaker_cache for update");
        let error = store.put(&id(), b"x", None, Precondition::Always).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(store.get(&id()).unwrap().is_some());
        say("rollback");
        assert!(store.put(&id(), b"x", None, Precondition::Always).unwrap().is_some());
    }
}
