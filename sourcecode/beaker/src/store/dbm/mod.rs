//! Stores all values in one file of the embedded database redb. The file is shared by the processes of one
//! host, survives a restart and needs no server. Times to live are exact to the microsecond. Expired values
//! stay in the file until a cleanup removes them.

mod database_file;
mod snapshot;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use database_file::{DatabaseFile, Entry, Step};
use redb::{ReadableTable, StorageError};

use super::listing::{cursor_of_name, name_of_cursor};
use super::{
    KeyCursor, KeyPage, Precondition, Put, Store, Stored, SweepProgress, Version, counter,
};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};

/// Larger values should be stored in files.
const LARGEST_VALUE: usize = 256 * 1024 * 1024;

/// Stores values in the file `data_dir/container_dbm/beaker.redb`, which holds all namespaces.
///
/// Each store keeps the file open, and any number of stores in this process and in others share it. All of
/// them see every write, and one of them writes at a time. This uses redb's mode `MultiWriter`, which needs
/// the file locks of Linux, Apple's systems or Windows. A program that opens the file with redb in another
/// mode is locked out while a store is open, and locks out stores itself. Reading is fast. A write waits
/// for the disk twice, because redb stores there what the next writer needs, whichever process that is.
///
/// A value is on disk when the write returns, and survives a killed process and a power failure. A process
/// that is killed during a write does not block others. If a write fails because the disk is full, the old
/// values stay; they are readable again when there is room, because redb has to repair its file first. If
/// the file is removed or replaced by a copy, the next call detects that. The file has mode 0600 and
/// created folders have mode 0700, whatever the umask. Each open store keeps at most 32 MiB of the file in
/// memory.
///
/// With many writers, a [`FileStore`](super::FileStore) or SQLite is faster.
#[must_use]
pub struct DbmStore {
    file: DatabaseFile,
    clock: Arc<dyn Clock>,
    damaged: AtomicU64,
    /// Where the next step of the cleanup begins. Protects nothing else.
    swept: Mutex<Option<Entry>>,
}

impl DbmStore {
    /// Creates a store in this folder. The folder and the file are created if they are missing.
    pub fn open(data_dir: impl AsRef<Path>) -> Result<DbmStore> {
        DbmStore::open_with_locks(&data_dir, data_dir.as_ref().join("container_dbm_lock"))
    }

    /// Creates a store with its lock file in another folder than `data_dir/container_dbm_lock`. The lock is
    /// held while the file is created. All programs that share the file must use the same folder.
    pub fn open_with_locks(
        data_dir: impl AsRef<Path>,
        lock_dir: impl AsRef<Path>,
    ) -> Result<DbmStore> {
        let file = DatabaseFile::new(data_dir.as_ref(), lock_dir.as_ref());
        file.write("open", &"the database", |_| Ok(((), true)))?;
        let clock = Arc::new(SystemClock);
        Ok(DbmStore { file, clock, damaged: AtomicU64::new(0), swept: Mutex::new(None) })
    }

    /// Sets the clock by which values expire. Default: the system clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> DbmStore {
        self.clock = clock;
        self
    }
}

impl Store for DbmStore {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        let stored =
            self.file.read("read", &format_args!("{key:?}"), |table| self.stored(table, key))?;
        Ok(stored.flatten())
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.check_size(key, bytes)?;
        let version = Version::fresh();
        let entry = entry(key);
        let image = Image::build(entry, bytes, version, ttl.map(|ttl| self.clock.now() + ttl));
        self.file.write("write", &format_args!("{key:?}"), |table| {
            if when != Precondition::Always {
                let current = table.get(entry)?;
                let current = self.living(entry, current.as_ref().map(redb::AccessGuard::value));
                if !when.is_met_by(current.map(|image| image.version)) {
                    return Ok((None, false));
                }
            }
            table.insert(entry, image.as_slice())?;
            Ok((Some(version), true))
        })
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        let entry = entry(key);
        self.file.write("delete", &format_args!("{key:?}"), |table| {
            let current = {
                let stored = table.get(entry)?;
                let current = self.living(entry, stored.as_ref().map(redb::AccessGuard::value));
                current.map(|image| image.version)
            };
            // Expired and damaged values are removed too, but do not count as removed.
            let removes = current.is_none() || when.is_met_by(current);
            let removed = removes && table.remove(entry)?.is_some();
            Ok((removed && current.is_some(), removed))
        })
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        let stored = self.file.read("read", &values(keys.len()), |table| {
            keys.iter().map(|key| self.stored(table, key)).collect()
        })?;
        Ok(stored.unwrap_or_else(|| vec![None; keys.len()]))
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        puts.iter().try_for_each(|put| self.check_size(put.key, put.bytes))?;
        let now = self.clock.now();
        self.file.write("write", &values(puts.len()), |table| {
            for Put { key, bytes, ttl } in puts {
                let entry = entry(key);
                let expires = ttl.map(|ttl| now + ttl);
                let image = Image::build(entry, bytes, Version::fresh(), expires);
                table.insert(entry, image.as_slice())?;
            }
            Ok(((), true))
        })
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        self.file.write("delete", &values(keys.len()), |table| {
            for key in keys {
                table.remove(entry(key))?;
            }
            Ok(((), true))
        })
    }

    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        counter::check(key, by)?;
        let entry = entry(key);
        self.file.write("increment", &format_args!("{key:?}"), |table| {
            let next = {
                let found = table.get(entry)?;
                match self.living(entry, found.as_ref().map(redb::AccessGuard::value)) {
                    Some(old) => {
                        counter::add(key, old.content, by).map(|count| (count, old.expires))
                    }
                    None => Ok((by, ttl.map(|ttl| self.clock.now() + ttl))),
                }
            };
            let (count, expires) = match next {
                Ok(next) => next,
                Err(error) => return Ok((Err(error), false)),
            };
            let text = count.to_string();
            let image = Image::build(entry, text.as_bytes(), Version::fresh(), expires);
            table.insert(entry, image.as_slice())?;
            Ok((Ok(count), true))
        })?
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        let name = namespace.name();
        self.file.write("clear", &format_args!("{namespace:?}"), |table| {
            // The next possible text in the order of the table.
            let next = format!("{name}\0");
            table.retain_in((name, &[][..])..(next.as_str(), &[][..]), |_, _| false)?;
            Ok(((), true))
        })
    }

    fn keys(
        &self,
        namespace: &Namespace,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<KeyPage> {
        let (first, now) = (from.map(name_of_cursor).transpose()?, self.clock.now());
        let (name, next) = (namespace.name(), format!("{}\0", namespace.name()));
        let page = self.file.read("list", &format_args!("{namespace:?}"), |table| {
            let first = first.as_deref().unwrap_or_default();
            let mut page = KeyPage::default();
            for entry in table.range((name, first)..(next.as_str(), &[][..]))? {
                let (key, bytes) = entry?;
                let (key, bytes) = (key.value(), bytes.value());
                if page.len() >= most.max(1) {
                    page.next = Some(cursor_of_name(key.1));
                    break;
                }
                if Image::read(key, bytes).is_some_and(|image| !image.is_over(now)) {
                    page.push(Some(namespace.key(key.1)));
                }
            }
            Ok(page)
        })?;
        Ok(page.unwrap_or_default())
    }

    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        let mut from = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let is_over = |entry: (&str, &[u8]), bytes: &[u8]| {
            Image::read(entry, bytes).is_none_or(|image| image.is_over(now))
        };
        let Step { dead, next } = self.file.step(from.as_ref(), most.max(1), is_over)?;
        let mut removed = 0;
        if !dead.is_empty() {
            self.file.write("sweep", &"values", |table| {
                for (namespace, name) in &dead {
                    let entry = (namespace.as_str(), name.as_slice());
                    // Checked again, because it may have been replaced.
                    let dies = table.get(entry)?.is_some_and(|bytes| is_over(entry, bytes.value()));
                    if dies {
                        table.remove(entry)?;
                        removed += 1;
                    }
                }
                Ok(((), true))
            })?;
        }
        *from = next;
        Ok(SweepProgress { removed, is_done: from.is_none() })
    }

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for DbmStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DbmStore").field(&self.file.file()).finish()
    }
}

impl DbmStore {
    fn stored(
        &self,
        table: &impl ReadableTable<(&'static str, &'static [u8]), &'static [u8]>,
        key: &Key,
    ) -> Result<Option<Stored>, StorageError> {
        let entry = entry(key);
        let found = table.get(entry)?;
        let image = self.living(entry, found.as_ref().map(redb::AccessGuard::value));
        Ok(image.map(|image| Stored { bytes: image.content.into(), version: image.version }))
    }

    fn check_size(&self, key: &Key, bytes: &[u8]) -> Result<()> {
        if bytes.len() <= LARGEST_VALUE {
            return Ok(());
        }
        let what = format!("could not write {key:?} in `{}`", self.file.file().display());
        let why = format!("{} bytes are more than it takes; store less", bytes.len());
        Err(Error::new(ErrorKind::TooLarge, format!("{what}: {why}")))
    }

    /// Returns the live value in these bytes; `None` if they are damaged or expired.
    fn living<'a>(&self, entry: EntryRef<'_>, bytes: Option<&'a [u8]>) -> Option<Image<'a>> {
        let image = Image::read(entry, bytes?);
        if image.is_none() {
            self.damaged.fetch_add(1, Ordering::Relaxed);
        }
        let now = self.clock.now();
        image.filter(|image| !image.is_over(now))
    }
}

/// Describes a batch in a message.
fn values(count: usize) -> String {
    format!("{count} values")
}

const HEADER: usize = 20;

/// A namespace and a name.
type EntryRef<'a> = (&'a str, &'a [u8]);

fn entry(key: &Key) -> EntryRef<'_> {
    (key.namespace().name(), key.name())
}

/// The bytes under a key: a header, followed by the bytes that were put.
///
/// | bytes | what |
/// |---|---|
/// | 0 to 3 | CRC-32 of the key and of all that follows |
/// | 4 to 11 | the version |
/// | 12 to 19 | expires at: microseconds since 1970; 0: never |
/// | 20 on | the bytes that were put |
///
/// Numbers are little-endian. redb verifies its pages only after a crash, so each value has a checksum of
/// its own.
struct Image<'a> {
    content: &'a [u8],
    version: Version,
    expires: Option<Timestamp>,
}

impl<'a> Image<'a> {
    fn build(
        key: EntryRef<'_>,
        content: &[u8],
        version: Version,
        expires: Option<Timestamp>,
    ) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + content.len());
        bytes.extend([0; 4]);
        bytes.extend(version.number().to_le_bytes());
        bytes.extend(expires.map_or(0, Timestamp::as_micros).to_le_bytes());
        bytes.extend(content);
        let checksum = checksum(key, &bytes[4..]);
        bytes[..4].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Returns `None` for damaged bytes, and for those of another key.
    fn read(key: EntryRef<'_>, bytes: &'a [u8]) -> Option<Image<'a>> {
        let (written, rest) = bytes.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*written) != checksum(key, rest) {
            return None;
        }
        let (version, rest) = rest.split_first_chunk::<8>()?;
        let (expires, content) = rest.split_first_chunk::<8>()?;
        let expires = u64::from_le_bytes(*expires);
        Some(Image {
            content,
            version: Version::new(u64::from_le_bytes(*version)),
            expires: (expires != 0).then(|| Timestamp::from_micros(expires)),
        })
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

fn checksum((namespace, name): EntryRef<'_>, rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    // With its length, so that different keys never give the same bytes.
    hasher.update(&(namespace.len() as u64).to_le_bytes());
    for part in [namespace.as_bytes(), name, rest] {
        hasher.update(part);
    }
    hasher.finalize()
}
