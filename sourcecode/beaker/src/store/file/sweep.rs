//! Goes through the files, a few folders at a time: to find expired records, or to list live ones.

use std::fs;
use std::io::{self, ErrorKind as Io, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use super::record::{HEADER, Image, Layout, TEMPORARY, Unread};
use crate::clock::Timestamp;
use crate::key::Namespace;
use crate::private;
use crate::store::{KeyCursor, KeyPage};

/// A temporary file that has not been written to for this long has lost its writer.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The position of the cleanup in a store.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// The folders that are left. No file is read or removed while this is locked.
    folders: Mutex<Vec<PathBuf>>,
}

/// The result of one step.
pub(super) struct Step {
    pub(super) expired: Vec<PathBuf>,
    /// Temporary files whose writers were killed.
    pub(super) abandoned: Vec<PathBuf>,
    pub(super) is_done: bool,
}

impl Sweep {
    /// Looks at the files of as many folders as are needed for about `most` files.
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

/// Returns the folders that hold files: `container_file*/x/xy`.
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

/// Returns the entries of a folder, and nothing if it is missing or not a folder.
pub(super) fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if matches!(error.kind(), Io::NotFound | Io::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Lists the live records in the folders of a namespace, from the folder of the cursor on.
pub(super) fn keys_of(
    layout: &Layout,
    namespace: &Namespace,
    from: Option<&KeyCursor>,
    most: usize,
    now: Timestamp,
) -> io::Result<KeyPage> {
    let folder = layout.namespace(namespace);
    let mut folders = Vec::new();
    for first in entries(&folder)? {
        folders.extend(entries(&first)?);
    }
    folders.sort();
    let from = from.map(|cursor| folder.join(cursor.as_str()));
    let mut page = KeyPage::default();
    for leaf in folders.into_iter().filter(|leaf| from.as_ref().is_none_or(|from| leaf >= from)) {
        if page.len() >= most.max(1) {
            let place = leaf.strip_prefix(&folder).unwrap_or(&leaf);
            page.next = place.to_str().map(KeyCursor::new);
            break;
        }
        for file in entries(&leaf)? {
            let is_record = file.extension().is_some_and(|extension| extension == "cache");
            if is_record && beginning(&file).is_some_and(|header| Image::seems_alive(&header, now))
            {
                let name = file.file_stem().and_then(|name| name.to_str());
                page.push(
                    name.filter(|name| !name.starts_with('~')).map(|name| namespace.key(name)),
                );
            }
        }
    }
    page.keys.sort();
    Ok(page)
}

fn seems_expired(path: &Path, now: Timestamp) -> bool {
    beginning(path).is_some_and(|header| Image::seems_expired(&header, now))
}

/// Returns the beginning of a file, or `None` if it is too short or gone.
fn beginning(path: &Path) -> Option<[u8; HEADER]> {
    let mut beginning = [0; HEADER];
    let read = private::options().read(true).open(path);
    read.and_then(|mut file| file.read_exact(&mut beginning)).ok()?;
    Some(beginning)
}

/// Checks the name and the content: a temporary file of this store may be empty or incomplete.
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
