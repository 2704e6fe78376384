//! A record on the disk: what its file holds, where that lies, and how it is written so that nobody ever sees
//! a part of it.
//!
//! A file begins with the store's own header, and then there are the bytes:
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
//! The tree is Beaker's: `container_file/<first>/<first two>/<name>.cache`, and locks in
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

/// Why a file is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It was one of ours.
    Damaged,
    /// Nothing in it is of this store: it is somebody else's, and not ours to remove.
    Foreign,
}

impl Unread {
    /// A loss of power can leave zeros, or nothing, in the place of what was written.
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

    /// What the file holds, or why it is no record.
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
            // One of the two tells whose it is.
            _ => Err(Unread::Damaged),
        }
    }

    /// Does a file with this beginning hold a record? If not, only a look at the whole file tells whose
    /// it is.
    pub(super) fn begins(beginning: &[u8; HEADER]) -> bool {
        beginning.starts_with(MAGIC)
    }

    /// Has the file with this beginning expired? It is believed without its checksum, which only a
    /// look at the whole file can prove.
    pub(super) fn seems_expired(beginning: &[u8; HEADER], now: Timestamp) -> bool {
        let (_, expires) = beginning.split_at(16);
        let expires = expires.try_into().map_or(0, u64::from_le_bytes);
        Image::begins(beginning) && expires != 0 && Timestamp::from_micros(expires) <= now
    }

    /// The bytes that were put.
    pub(super) fn content(&self) -> &[u8] {
        &self.bytes[HEADER..]
    }
}

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

/// What the names of this store's temporary files begin with; they end with `.tmp`.
pub(super) const TEMPORARY: &str = ".beaker-";

/// May there be a file already?
#[derive(Clone, Copy)]
pub(super) enum Replace {
    Yes,
    No,
}

/// The whole content of a file, in a temporary file beside it. Dropped, it leaves nothing.
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

    /// Gives it its place, all at once.
    pub(super) fn publish(self, replace: Replace) -> io::Result<()> {
        match replace {
            Replace::Yes => self.file.persist(self.path)?,
            Replace::No => self.file.persist_noclobber(self.path)?,
        };
        Ok(())
    }
}

/// Tries, and makes the folder where it is missing. Several times, since somebody may remove it
/// again in between.
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

/// A folder with nothing in it goes; whoever needs it makes it again.
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
