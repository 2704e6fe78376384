//! Finding the files that have expired, a few folders at a time.

use std::fs;
use std::io::{self, ErrorKind as Io, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use super::record::{HEADER, Image, Layout, TEMPORARY, Unread};
use crate::clock::Timestamp;
use crate::private;

/// A temporary file that was not written to for so long has lost its writer.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Where the sweep of a store has come to.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// The folders that are still to be looked at; nothing is read or removed while it is locked.
    folders: Mutex<Vec<PathBuf>>,
}

/// What one step found.
pub(super) struct Step {
    pub(super) expired: Vec<PathBuf>,
    /// Temporary files whose writers were killed.
    pub(super) abandoned: Vec<PathBuf>,
    pub(super) is_done: bool,
}

impl Sweep {
    /// Looks at the files of so many folders that they are about `most`.
    pub(super) fn step(&self, layout: &Layout, now: Timestamp, most: usize) -> io::Result<Step> {
        let mut step = Step { expired: Vec::new(), abandoned: Vec::new(), is_done: false };
        let mut looked = 0;
        if self.is_empty() {
            let folders = leaves(layout)?;
            self.folders.lock().unwrap_or_else(PoisonError::into_inner).extend(folders);
        }
        while looked < most.max(1) {
            let Some(folder) = self.next() else { break };
            for file in entries(&folder)? {
                looked += 1;
                match file.extension().and_then(|extension| extension.to_str()) {
                    Some("cache") if seems_expired(&file, now) => step.expired.push(file),
                    Some("tmp") if is_abandoned(&file, now) => step.abandoned.push(file),
                    _ => {}
                }
            }
        }
        step.is_done = self.is_empty();
        Ok(step)
    }

    fn next(&self) -> Option<PathBuf> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn is_empty(&self) -> bool {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// The folders that hold files: `container_file*/x/xy`.
fn leaves(layout: &Layout) -> io::Result<Vec<PathBuf>> {
    let mut leaves = Vec::new();
    for namespace in entries(layout.data_dir())? {
        let name = namespace.file_name().unwrap_or_default().to_string_lossy();
        if name == "container_file" || name.starts_with("container_file-") {
            for first in entries(&namespace)? {
                leaves.extend(entries(&first)?);
            }
        }
    }
    Ok(leaves)
}

/// What is in a folder; nothing if it is gone, or is none.
pub(super) fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if matches!(error.kind(), Io::NotFound | Io::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn seems_expired(path: &Path, now: Timestamp) -> bool {
    let mut beginning = [0; HEADER];
    let read = private::options().read(true).open(path);
    let read = read.and_then(|mut file| file.read_exact(&mut beginning));
    read.is_ok() && Image::seems_expired(&beginning, now)
}

/// A temporary file is ours by its name and by what it holds, which may be none or a part of what was to
/// be written.
fn is_abandoned(path: &Path, now: Timestamp) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !name.starts_with(TEMPORARY) || !is_old(path, now) {
        return false;
    }
    private::read(path).is_ok_and(|bytes| !matches!(Image::read(bytes), Err(Unread::Foreign)))
}

fn is_old(path: &Path, now: Timestamp) -> bool {
    let written = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    let since_1970 = written.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since_1970.is_some_and(|time| {
        let written = Timestamp::from_micros(time.as_micros().try_into().unwrap_or(u64::MAX));
        now.since(written) > ABANDONED
    })
}
