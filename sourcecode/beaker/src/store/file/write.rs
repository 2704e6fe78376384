//! Writing a file so that nobody ever sees a part of it.

use std::fs;
use std::io::{self, ErrorKind as Io, Write};
use std::path::Path;

/// May there be a file already?
#[derive(Clone, Copy)]
pub(super) enum Replace {
    Yes,
    No,
}

/// Writes the whole file at once.
pub(super) fn write(path: &Path, image: &[u8], replace: Replace) -> io::Result<()> {
    let mut file =
        tempfile::Builder::new().prefix(".").suffix(".tmp").tempfile_in(folder_of(path))?;
    file.write_all(image)?;
    match replace {
        Replace::Yes => file.persist(path)?,
        Replace::No => file.persist_noclobber(path)?,
    };
    Ok(())
}

/// Tries, and makes the folder where it is missing. Several times, since somebody may remove it
/// again in between.
pub(super) fn make_folder_and(write: impl Fn() -> io::Result<()>, path: &Path) -> io::Result<()> {
    for _ in 0..8 {
        match write() {
            Err(error) if is_missing(&error) => fs::create_dir_all(folder_of(path))?,
            written => return written,
        }
    }
    write()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), Io::NotFound | Io::NotADirectory)
}
