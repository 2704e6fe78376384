//! Writing a file so that nobody ever sees a part of it.

use std::io::{self, ErrorKind as Io, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::private;

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
