//! Sessions in files, beside the bare system calls for the same bytes: a temporary file written,
//! renamed, and read again, in a folder in memory where there is one.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use beaker::codec::{Bincode, Codec};
use beaker::key::Namespace;
use beaker::session::SessionData;
use beaker::store::{FileStore, Precondition, Store};
use benchmarks::{Limit, compare, data, drivers, sessions_of};

const LIMIT: Limit = Limit::Times(1.5);

fn main() {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = tempfile::tempdir_in(parent).unwrap();
    values(folder.path());
    let sessions = sessions_of("file", &[("data_dir", folder.path().to_str().unwrap())]);
    let bare = folder.path().join("bare");
    fs::create_dir(&bare).unwrap();

    // What a session's file holds beside the encoded session.
    const HEADERS: usize = 24 + 22;

    compare(
        "file: create, 3 values, save, open",
        Limit::Times(1.4),
        || {
            let mut session = sessions.create();
            drivers(&mut session);
            session.save().unwrap();
            black_box(sessions.open(session.id()).unwrap());
        },
        || {
            let id = uuid::Uuid::new_v4().simple().to_string();
            let mut bytes = vec![0; HEADERS];
            bytes.extend(Codec::<SessionData>::encode(&Bincode, &data()).unwrap());
            let (temporary, path) = (bare.join(format!(".{id}.tmp")), shard(&bare, &id));
            fs::write(&temporary, &bytes).unwrap();
            fs::rename(&temporary, &path).unwrap();
            let bytes = fs::read(&path).unwrap();
            black_box(Codec::<SessionData>::decode(&Bincode, &bytes[HEADERS..]).unwrap());
        },
    );
}

/// One value, written over itself and read.
fn values(folder: &Path) {
    let store = FileStore::open(folder.join("store")).unwrap();
    let key = Namespace::default().key("844c8ed1e96a4011bb23fbb3fe80823a");
    let (temporary, path) = (folder.join("bare.tmp"), folder.join("bare.cache"));
    let lock = folder.join("bare.lock");
    let write = || {
        fs::write(&temporary, [7; 300]).unwrap();
        fs::rename(&temporary, &path).unwrap();
    };
    compare(
        "file: put a new value",
        LIMIT,
        || {
            store.put(&key, &[7; 300], None, Precondition::Absent).unwrap().unwrap();
            fs::remove_file(
                folder.join("store/container_file/8/84/844c8ed1e96a4011bb23fbb3fe80823a.cache"),
            )
            .unwrap();
        },
        || {
            write();
            fs::remove_file(&path).unwrap();
        },
    );
    // Who replaces a value keeps others from doing so meanwhile.
    compare(
        "file: put over a value",
        LIMIT,
        || {
            black_box(store.put(&key, &[7; 300], None, Precondition::Always).unwrap());
        },
        || {
            let file = fs::File::create(&lock).unwrap();
            file.lock().unwrap();
            write();
            fs::remove_file(&lock).unwrap();
        },
    );
    compare(
        "file: get",
        LIMIT,
        || drop(black_box(store.get(&key).unwrap().unwrap())),
        || drop(black_box(fs::read(&path).unwrap())),
    );
}

/// Both sides spread their files over as many folders; made before, on this one.
fn shard(folder: &Path, id: &str) -> PathBuf {
    let folder = folder.join(&id[..2]);
    if !folder.exists() {
        fs::create_dir(&folder).unwrap();
    }
    folder.join(id)
}
