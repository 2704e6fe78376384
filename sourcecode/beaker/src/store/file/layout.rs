//! Where a key's file lies. The tree is Beaker's:
//! `container_file/<first>/<first two>/<name>.cache`, and locks in `container_file_lock`.

use std::path::{Path, PathBuf};

use crate::key::{Key, Namespace, sha256_hex};

/// The folders of one file store.
#[derive(Debug)]
pub(super) struct Layout {
    data_dir: PathBuf,
    lock_dir: PathBuf,
}

impl Layout {
    pub(super) fn new(data_dir: &Path) -> Layout {
        Layout { data_dir: data_dir.into(), lock_dir: data_dir.join("container_file_lock") }
    }

    pub(super) fn set_lock_dir(&mut self, lock_dir: &Path) {
        self.lock_dir = lock_dir.into();
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The unnamed namespace has the chapter's folder, each other one a folder beside it.
    pub(super) fn namespace(&self, namespace: &Namespace) -> PathBuf {
        match namespace.name() {
            "" => self.data_dir.join("container_file"),
            name => self.data_dir.join(format!("container_file-{}", file_name(name.as_bytes()))),
        }
    }

    pub(super) fn file(&self, key: &Key) -> PathBuf {
        let name = file_name(key.name());
        let shard = name.trim_start_matches('~');
        let mut path = self.namespace(key.namespace());
        path.push(&shard[..1]);
        path.push(&shard[..shard.len().min(2)]);
        path.push(name + ".cache");
        path
    }

    /// The lock of a record, by the path of its file.
    pub(super) fn lock(&self, file: &Path) -> PathBuf {
        let place = file.strip_prefix(&self.data_dir).unwrap_or(file);
        let name = sha256_hex(place.as_os_str().as_encoded_bytes());
        self.lock_dir.join(format!("record-{name}.lock"))
    }
}

/// The name itself where it is short and safe on every file system, else its SHA-256. Only the
/// latter starts with `~`. Capitals are hashed too: not every system tells them from small letters.
fn file_name(name: &[u8]) -> String {
    let safe = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    match str::from_utf8(name) {
        Ok(text) if (1..=64).contains(&text.len()) && name.iter().all(safe) => text.into(),
        _ => format!("~{}", sha256_hex(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(namespace: &str, name: &[u8], path: &str) {
        let file = Layout::new(Path::new("d")).file(&Namespace::new(namespace).key(name));
        assert_eq!(file, Path::new(path));
    }

    #[test]
    fn paths() {
        let id = "bdf97caaea9441d4afb5fdbaf544c4d1";
        check("", id.as_bytes(), &format!("d/container_file/b/bd/{id}.cache"));
        check("cities", b"oslo", "d/container_file-cities/o/os/oslo.cache");
        check("cities", b"x", "d/container_file-cities/x/x/x.cache");
        let hash = sha256_hex(b"../../etc/passwd");
        let (a, b) = (&hash[..1], &hash[..2]);
        check("", b"../../etc/passwd", &format!("d/container_file/{a}/{b}/~{hash}.cache"));
    }
}
