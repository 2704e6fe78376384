//! How Beaker names, locks and replaces its files, whatever is in them.

use std::fs::{self, File};
use std::io::{self, ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha1::{Digest, Sha1};

use crate::private;

/// The protocol of the pickles that Python writes there since version 3.8.
pub(super) const PROTOCOL: u8 = 4;

/// Returns the place of a file, which the beginning of its name spreads over two levels of folders. The name is
/// in hexadecimal digits.
pub(super) fn spread(folder: &Path, name: &str, ending: &str) -> PathBuf {
    let beginning = |length: usize| &name[..name.len().min(length)];
    let mut path = folder.join(beginning(1));
    path.push(beginning(2));
    path.push(format!("{name}.{ending}"));
    path
}

/// Returns the file that is locked for a session, a cache or a computation, by what Beaker calls it.
pub(crate) fn lock_file(locks: &Path, identifier: &str) -> PathBuf {
    spread(locks, &sha1_hex(identifier), "lock")
}

/// Returns the SHA-1 hash of a text in hexadecimal digits: Beaker and dogpile.cache name files, locks and long
/// keys by it.
pub(crate) fn sha1_hex(text: &str) -> String {
    HEXLOWER.encode(&Sha1::digest(text))
}

/// Writes a file as Beaker does: another one of its name and `.temp`, which is then renamed. Only the holder
/// of the lock writes there, so what is left behind by one who was killed is the next one's to remove.
pub(super) fn replace(path: &Path, image: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".temp");
    let draft = Path::new(&draft);
    let create = || private::options().write(true).create_new(true).open(draft);
    let mut file: File = match create() {
        Err(error) if is_gone(&error) => {
            private::create_folder(path.parent().unwrap_or(Path::new(".")))?;
            create()?
        }
        Err(error) if error.kind() == Io::AlreadyExists => {
            fs::remove_file(draft)?;
            create()?
        }
        created => created?,
    };
    let written = file.write_all(image).and_then(|()| fs::rename(draft, path));
    if written.is_err() {
        let _ = fs::remove_file(draft);
    }
    written
}

/// Returns whether there is nothing under this name, not even a link.
pub(super) fn is_missing(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| is_gone(&error))
}

/// Returns whether a file is not there, or cannot be.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), Io::NotFound | Io::NotADirectory)
}

/// Returns what to do about a file that could not be written.
pub(super) fn hint_to_write(error: &io::Error) -> &'static str {
    match error.kind() {
        Io::StorageFull | Io::QuotaExceeded => "the disk is full: free some space",
        _ => "make it writable for this user, or name another `data_dir`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_lock() {
        let found = lock_file(Path::new(""), "dbmcontainer/funclock/mytemplate.html/b'k1'");
        assert_eq!(found, Path::new("7/7e/7ecdbdbf37e273ef4e8387566b7157409510503d.lock"));
        let found = lock_file(Path::new(""), "memcachedcontainer/funclock/testns/b'k1'");
        assert_eq!(found, Path::new("7/77/7756304be6918cf0926de3aeb95e4fc43adefbcc.lock"));
    }
}
