//! Sessions in files, beside the bare system calls for the same bytes: a temporary file written,
//! renamed, and read again, in a folder in memory where there is one.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use beaker::codec::{Bincode, Codec};
use beaker::session::SessionData;
use benchmarks::{Limit, compare, data, drivers, sessions_of};

fn main() {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = tempfile::tempdir_in(parent).unwrap();
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

/// Both sides spread their files over as many folders; made before, on this one.
fn shard(folder: &Path, id: &str) -> PathBuf {
    let folder = folder.join(&id[..2]);
    if !folder.exists() {
        fs::create_dir(&folder).unwrap();
    }
    folder.join(id)
}
