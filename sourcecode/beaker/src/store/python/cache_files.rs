//! [`CacheFiles`]: the files of Beaker's cache, `type = file`, entry by entry.
//!
//! A namespace is one file, `container_file/a/ab/<SHA-1 of its name>.cache`: a pickled dictionary of entries by
//! their keys, which are bytes. Who reads or writes it holds the lock of the namespace, as for sessions. The
//! entries that are not asked for are written back as Python wrote them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::on_disk::{
    PROTOCOL, hint_to_write, is_gone, is_missing, lock_file, replace, sha1_hex, spread,
};
use crate::error::{Error, Result};
use crate::file_lock::{Mode, StandingLock};
use crate::key::{Key, Namespace};
use crate::pickle::{Node, NodeId, Pickle};
use crate::private;
use crate::store::{Precondition, Store, Stored, Version};

/// The folders of Beaker. A key is that of an entry in the namespace of its file, and a value is the pickle of that
/// entry alone.
#[derive(Debug)]
pub(in crate::store) struct CacheFiles {
    folder: PathBuf,
    locks: PathBuf,
}

/// The dictionary of a file.
struct Dictionary {
    pickle: Pickle,
    entries: Vec<(NodeId, NodeId)>,
}

impl Dictionary {
    fn empty() -> Dictionary {
        Dictionary { pickle: Pickle::new(), entries: Vec::new() }
    }

    /// Reads the content of a file; the error says why it is none.
    fn read(bytes: &[u8]) -> Result<Dictionary, String> {
        let pickle = Pickle::read(bytes).map_err(|refused| refused.to_string())?;
        let entries = pickle.entries(pickle.root());
        let entries = entries.ok_or("it is the pickle of something else than a dictionary")?;
        Ok(Dictionary { pickle, entries })
    }

    fn place(&self, key: &[u8]) -> Option<usize> {
        let is_it = |node: NodeId| match self.pickle.node(node) {
            Node::Bytes(bytes) => **bytes == *key,
            _ => false,
        };
        self.entries.iter().position(|(key, _)| is_it(*key))
    }

    /// Returns the pickle of an entry alone.
    fn entry(&self, key: &[u8]) -> Option<Vec<u8>> {
        let (_, entry) = self.entries[self.place(key)?];
        Some(self.pickle.write_from(entry, PROTOCOL))
    }

    /// Sets an entry to what this pickle holds.
    fn set(&mut self, key: &[u8], bytes: &[u8]) -> Result<()> {
        let foreign = |why: String| Error::codec(format!("no entry of Beaker's cache: {why}"));
        let entry = Pickle::read(bytes).map_err(|refused| foreign(refused.to_string()))?;
        let place = self.place(key);
        let entry = self.copied(&entry, entry.root(), 0).map_err(foreign)?;
        match place {
            Some(place) => self.entries[place].1 = entry,
            None => {
                let key = self.pickle.push(Node::Bytes(key.into()));
                self.entries.push((key, entry));
            }
        }
        Ok(())
    }

    /// Copies a node of another pickle, which this library has made.
    fn copied(&mut self, of: &Pickle, node: NodeId, depth: u8) -> Result<NodeId, String> {
        const DEEPEST: u8 = 70;
        if depth > DEEPEST {
            return Err("it is nested too deep".into());
        }
        let mut all = |nodes: &[NodeId]| {
            let copied = nodes.iter().map(|node| self.copied(of, *node, depth + 1));
            copied.collect::<Result<Vec<_>, _>>()
        };
        let node = match of.node(node) {
            Node::Tuple(items) => Node::Tuple(all(items)?.into()),
            Node::List(items) => Node::List(all(items)?),
            Node::Dict(entries) => {
                let (keys, values): (Vec<_>, Vec<_>) = entries.iter().copied().unzip();
                let (keys, values) = (all(&keys)?, all(&values)?);
                Node::Dict(keys.into_iter().zip(values).collect())
            }
            plain @ (Node::None
            | Node::Bool(_)
            | Node::Int(_)
            | Node::Float(_)
            | Node::Text(_)
            | Node::Bytes(_)) => plain.clone(),
            _ => return Err("it has an object of Python".into()),
        };
        Ok(self.pickle.push(node))
    }

    fn write(mut self) -> Vec<u8> {
        let root = self.pickle.add_dict(self.entries);
        self.pickle.set_root(root);
        self.pickle.write(PROTOCOL)
    }
}

impl CacheFiles {
    pub(in crate::store) fn new(folder: PathBuf, locks: PathBuf) -> CacheFiles {
        CacheFiles { folder, locks }
    }

    fn file(&self, namespace: &Namespace) -> PathBuf {
        spread(&self.folder, &sha1_hex(namespace.name()), "cache")
    }

    fn lock(&self, namespace: &Namespace, mode: Mode) -> Result<StandingLock> {
        let path = lock_file(&self.locks, namespace.name());
        StandingLock::lock(&path, mode).map_err(|error| {
            let (namespace, locks) = (namespace.name(), self.locks.display());
            let hint = "does Beaker run as the same user as this program?";
            let what = format!("could not lock the cache `{namespace}` in `{locks}`; {hint}");
            Error::storage(what, error)
        })
    }

    /// Reads the file. Needs a lock.
    fn look(&self, namespace: &Namespace, path: &Path) -> Result<Option<Dictionary>> {
        let place = || format!("the cache `{}` in `{}`", namespace.name(), self.folder.display());
        match private::read(path) {
            Ok(bytes) => Dictionary::read(&bytes).map(Some).map_err(|why| {
                let hint = "it is left alone: clear it, or remove the file";
                Error::codec(format!("could not read {}: {why}; {hint}", place()))
            }),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => {
                let hint = "does Beaker run as the same user as this program?";
                Err(Error::storage(format!("could not read {}; {hint}", place()), error))
            }
        }
    }

    fn unwritable(&self, error: io::Error) -> Error {
        let (folder, hint) = (self.folder.display(), hint_to_write(&error));
        Error::storage(format!("could not write a cache in `{folder}`; {hint}"), error)
    }
}

impl Store for CacheFiles {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        let path = self.file(key.namespace());
        // The lock file of a cache that does not exist is not created.
        if is_missing(&path) {
            return Ok(None);
        }
        let _lock = self.lock(key.namespace(), Mode::Shared)?;
        let found = self.look(key.namespace(), &path)?;
        let entry = found.and_then(|found| found.entry(key.name()));
        Ok(entry.map(|bytes| {
            let version = Version::of_content(&bytes);
            Stored { bytes: bytes.into(), version }
        }))
    }

    /// A file has no times to live: an entry says itself when it expires.
    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        _: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let path = self.file(key.namespace());
        let _lock = self.lock(key.namespace(), Mode::Exclusive)?;
        let found = self.look(key.namespace(), &path)?;
        let mut dictionary = found.unwrap_or_else(Dictionary::empty);
        let current = dictionary.entry(key.name()).map(|entry| Version::of_content(&entry));
        if !when.is_met_by(current) {
            return Ok(None);
        }
        dictionary.set(key.name(), bytes)?;
        let written = dictionary.entry(key.name()).unwrap_or_default();
        replace(&path, &dictionary.write()).map_err(|error| self.unwritable(error))?;
        Ok(Some(Version::of_content(&written)))
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        let path = self.file(key.namespace());
        if is_missing(&path) {
            return Ok(false);
        }
        let _lock = self.lock(key.namespace(), Mode::Exclusive)?;
        let Some(mut dictionary) = self.look(key.namespace(), &path)? else { return Ok(false) };
        let Some(place) = dictionary.place(key.name()) else { return Ok(false) };
        let current = dictionary.entry(key.name()).map(|entry| Version::of_content(&entry));
        if !when.is_met_by(current) {
            return Ok(false);
        }
        dictionary.entries.remove(place);
        replace(&path, &dictionary.write()).map_err(|error| self.unwritable(error))?;
        Ok(true)
    }

    /// Removes the file of the namespace, whatever is in it.
    fn clear(&self, namespace: &Namespace) -> Result<()> {
        let path = self.file(namespace);
        if is_missing(&path) {
            return Ok(());
        }
        let _lock = self.lock(namespace, Mode::Exclusive)?;
        match fs::remove_file(&path) {
            Err(error) if !is_gone(&error) => Err(self.unwritable(error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by Beaker 1.14.1: `{b'k1': (1700000000.25, 3600, 'v1'), b'k2': (1700000000.25, None, …)}`.
    const FILE: &str = "80049546000000000000007d942843026b31944741d954fc401000004d100e8c02763194879443026b3294\
                        4741d954fc401000004e7d948c0161945d94284b014740040000000000004e8865738794752e";
    const V1: &str = "80049514000000000000004741d954fc401000004d100e8c0276319487942e";

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    fn files(folder: &Path) -> CacheFiles {
        CacheFiles::new(folder.join("container_file"), folder.join("container_file_lock"))
    }

    #[test]
    fn an_entry_is_in_the_file_of_its_namespace() {
        let folder = tempfile::tempdir().unwrap();
        let (store, namespace) = (files(folder.path()), Namespace::new("mytemplate.html"));
        let path = folder
            .path()
            .join("container_file/f/f7/f7a047195ca347056b92a6817c50bf8a4182af78.cache");
        private::create_folder(path.parent().unwrap()).unwrap();
        fs::write(&path, hex(FILE)).unwrap();
        let found = store.get(&namespace.key("k1")).unwrap().unwrap();
        assert_eq!(&*found.bytes, hex(V1));
        let lock = "container_file_lock/f/f7/f7a047195ca347056b92a6817c50bf8a4182af78.lock";
        assert!(folder.path().join(lock).exists());
        // The other entry stays, and the file is what Python would write.
        let unchanged = Precondition::Unchanged(found.version);
        let version = store.put(&namespace.key("k1"), &hex(V1), None, unchanged).unwrap();
        assert_eq!(version, Some(found.version));
        assert_eq!(fs::read(&path).unwrap(), hex(FILE));
        assert!(store.delete(&namespace.key("k1"), unchanged).unwrap());
        assert!(!store.delete(&namespace.key("k1"), unchanged).unwrap());
        assert_eq!(store.get(&namespace.key("k1")).unwrap(), None);
        assert!(store.get(&namespace.key("k2")).unwrap().is_some());
        assert_eq!(
            store.put(&namespace.key("k2"), &hex(V1), None, Precondition::Absent).unwrap(),
            None
        );
        assert!(
            store
                .put(&namespace.key("k3"), &hex(V1), None, Precondition::Absent)
                .unwrap()
                .is_some()
        );
        store.clear(&namespace).unwrap();
        assert_eq!(store.get(&namespace.key("k2")).unwrap(), None);
        store.clear(&namespace).unwrap();
    }

    #[test]
    fn what_is_no_dictionary_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (store, namespace) = (files(folder.path()), Namespace::new("mytemplate.html"));
        let key = namespace.key("k1");
        assert_eq!(store.get(&key).unwrap(), None);
        store.put(&key, &hex(V1), None, Precondition::Always).unwrap();
        let path = store.file(&namespace);
        for garbage in [&b""[..], b"BKF1", &hex(V1)] {
            fs::write(&path, garbage).unwrap();
            assert!(store.get(&key).is_err() && store.delete(&key, Precondition::Always).is_err());
            assert!(store.put(&key, &hex(V1), None, Precondition::Always).is_err());
            assert_eq!(fs::read(&path).unwrap(), garbage);
        }
        store.clear(&namespace).unwrap();
        assert_eq!(store.get(&key).unwrap(), None);
        assert!(store.put(&key, b"no pickle", None, Precondition::Always).is_err());
    }
}
