//! A record on disk: the content of its file, its path, and how it is written so that no reader ever sees a
//! part of it.
//!
//! A file begins with a header of the store, followed by the bytes that were put:
//!
//! | bytes | what |
//! |---|---|
//! | 0 to 3 | `BKF1` |
//! | 4 to 7 | CRC-32 of all that follows |
//! | 8 to 15 | the version |
//! | 16 to 23 | expires at: microseconds since 1970; 0: never |
//! | 24 on | the bytes that were put |
//!
//! Numbers are little-endian.
//!
//! The layout is Beaker's: `container_file/<first>/<first two>/<name>.cache`, and locks in
//! `container_file_lock`.

use std::io::{self, ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::clock::Timestamp;
use crate::key::{Key, Namespace, sha256_hex};
use crate::private;
use crate::store::Version;

const MAGIC: &[u8; 4] = b"BKF1";
pub(super) const HEADER: usize = 24;

/// The content of a record's file.
#[derive(Debug)]
pub(super) struct Image {
    bytes: Vec<u8>,
    pub(super) version: Version,
    pub(super) expires: Option<Timestamp>,
}

/// Why a file is not a valid record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// The file belongs to this store.
    Damaged,
    /// The file shows no sign of this store. It belongs to another program and must not be removed.
    Foreign,
}

impl Unread {
    /// After a power failure, a file may contain zeros or nothing.
    fn of(bytes: &[u8]) -> Unread {
        if bytes.iter().all(|byte| *byte == 0) { Unread::Damaged } else { Unread::Foreign }
    }
}

impl Image {
    pub(super) fn build(content: &[u8], version: Version, expires: Option<Timestamp>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + content.len());
        bytes.extend(MAGIC);
        bytes.extend([0; 4]);
        bytes.extend(version.number().to_le_bytes());
        bytes.extend(expires.map_or(0, Timestamp::as_micros).to_le_bytes());
        bytes.extend(content);
        let checksum = crc32fast::hash(&bytes[8..]);
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Returns the content of the file, or why it is not a record.
    pub(super) fn read(bytes: Vec<u8>) -> Result<Image, Unread> {
        let Some(header) = bytes.first_chunk::<HEADER>() else {
            let has_begun = MAGIC.starts_with(&bytes) || bytes.starts_with(MAGIC);
            return Err(if has_begun { Unread::Damaged } else { Unread::of(&bytes) });
        };
        let number = |at: usize| {
            let number = header[at..at + 8].try_into();
            number.map_or(0, u64::from_le_bytes)
        };
        let checksum = crc32fast::hash(&bytes[8..]);
        match (header.starts_with(MAGIC), header[4..8] == checksum.to_le_bytes()) {
            (true, true) => {
                let (version, expires) = (Version::new(number(8)), number(16));
                let expires = (expires != 0).then(|| Timestamp::from_micros(expires));
                Ok(Image { bytes, version, expires })
            }
            (false, false) => Err(Unread::of(&bytes)),
            // One of the two shows that the file belongs to this store.
            _ => Err(Unread::Damaged),
        }
    }

    /// Returns whether a file with this beginning holds a record. If not, only the whole file shows which
    /// program it belongs to.
    pub(super) fn begins(beginning: &[u8; HEADER]) -> bool {
        beginning.starts_with(MAGIC)
    }

    /// Returns whether the file with this beginning has expired. The checksum is not verified, because that
    /// needs the whole file.
    pub(super) fn seems_expired(beginning: &[u8; HEADER], now: Timestamp) -> bool {
        let (_, expires) = beginning.split_at(16);
        let expires = expires.try_into().map_or(0, u64::from_le_bytes);
        Image::begins(beginning) && expires != 0 && Timestamp::from_micros(expires) <= now
    }

    /// Returns whether the file with this beginning holds a record that has not expired. The checksum is
    /// not verified either.
    pub(super) fn seems_alive(beginning: &[u8; HEADER], now: Timestamp) -> bool {
        Image::begins(beginning) && !Image::seems_expired(beginning, now)
    }

    /// Returns the bytes that were put.
    pub(super) fn content(&self) -> &[u8] {
        &self.bytes[HEADER..]
    }
}

/// The folders of a file store.
#[derive(Debug)]
pub(super) struct Layout {
    data_dir: PathBuf,
    lock_dir: PathBuf,
}

impl Layout {
    pub(super) fn new(data_dir: &Path) -> Layout {
        Layout { data_dir: data_dir.into(), lock_dir: data_dir.join("container_file_lock") }
    }

    #[cfg(feature = "python")]
    pub(super) fn lock_dir(&self) -> &Path {
        &self.lock_dir
    }

    pub(super) fn set_lock_dir(&mut self, lock_dir: &Path) {
        self.lock_dir = lock_dir.into();
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Returns the folder of a namespace: Beaker's folder for the unnamed one, and a folder beside it for each
    /// other one.
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

    /// Returns the lock file of a record, from the path of its file.
    pub(super) fn lock(&self, file: &Path) -> PathBuf {
        let place = file.strip_prefix(&self.data_dir).unwrap_or(file);
        let name = sha256_hex(place.as_os_str().as_encoded_bytes());
        self.lock_dir.join(format!("record-{name}.lock"))
    }
}

/// Returns the name itself if it is short and safe on every file system, and its SHA-256 hash otherwise.
/// Only a hash starts with `~`. Names with capitals are hashed too, because some file systems do not
/// distinguish them from small letters.
fn file_name(name: &[u8]) -> String {
    let safe = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    match str::from_utf8(name) {
        Ok(text) if (1..=64).contains(&text.len()) && name.iter().all(safe) => text.into(),
        _ => format!("~{}", sha256_hex(name)),
    }
}

/// The beginning of the names of this store's temporary files, which end with `.tmp`.
pub(super) const TEMPORARY: &str = ".beaker-";

/// Whether an existing file may be replaced.
#[derive(Clone, Copy)]
pub(super) enum Replace {
    Yes,
    No,
}

/// The complete content of a file, in a temporary file in the same folder. It is removed when this is
/// dropped.
pub(super) struct Draft<'a> {
    file: NamedTempFile,
    path: &'a Path,
}

impl<'a> Draft<'a> {
    pub(super) fn write(path: &'a Path, image: &[u8]) -> io::Result<Draft<'a>> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY).suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
        let mut file = builder.tempfile_in(folder_of(path))?;
        file.write_all(image)?;
        Ok(Draft { file, path })
    }

    /// Moves the draft to its path in one step.
    pub(super) fn publish(self, replace: Replace) -> io::Result<()> {
        match replace {
            Replace::Yes => self.file.persist(self.path)?,
            Replace::No => self.file.persist_noclobber(self.path)?,
        };
        Ok(())
    }
}

/// Tries to write, and creates the folder if it is missing. It tries several times, because another process
/// may remove the folder in between.
pub(super) fn make_folder_and(write: impl Fn() -> io::Result<()>, path: &Path) -> io::Result<()> {
    for _ in 0..8 {
        match write() {
            Err(error) if is_missing(&error) => private::create_folder(folder_of(path))?,
            written => return written,
        }
    }
    write()
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), Io::NotFound | Io::NotADirectory)
}

/// Removes a folder if it is empty. Writers create it again when they need it.
pub(super) fn remove_if_empty(folder: &Path) {
    let _ = std::fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_ours_in_whatever_place_it_is_damaged() {
        let whole = Image::build(b"content", Version::new(7), Some(Timestamp::from_micros(9)));
        let image = Image::read(whole.clone()).unwrap();
        assert_eq!((image.content(), image.version.number()), (b"content".as_slice(), 7));
        for at in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            assert_eq!(Image::read(bytes).unwrap_err(), Unread::Damaged, "bit {at}");
        }
        for length in 0..whole.len() {
            let (cut, zeros) = (whole[..length].to_vec(), vec![0; length]);
            assert_eq!(Image::read(cut).unwrap_err(), Unread::Damaged, "{length} bytes");
            assert_eq!(Image::read(zeros).unwrap_err(), Unread::Damaged, "{length} zeros");
        }
    }

    #[test]
    fn what_others_write_is_theirs() {
        let pickle = b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x07session\x94}\x94s.";
        for bytes in
            [pickle.as_slice(), b"BK", b"{}", b"x", &[0xff; 100], b"BKG1 and more than a header"]
        {
            let expected = if bytes == b"BK" { Unread::Damaged } else { Unread::Foreign };
            assert_eq!(Image::read(bytes.to_vec()).unwrap_err(), expected, "{bytes:?}");
        }
    }

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
