//! Places where drafts are compiled: few, and used again and again, since what cargo makes of each stays
//! in `target/`, and has megabytes.

use std::fs::{self, File};
use std::{io, iter};

use anyhow::{Context, Result, bail};
use programs::{Draft, Workspace};

/// More than one server of a workbook needs, for there may be several.
const SLOTS: usize = 16;

/// A place that nobody else uses until this is dropped, or its process is gone.
#[derive(Debug)]
pub struct Slot {
    number: usize,
    lock: File,
}

impl Slot {
    /// The first one that is free.
    ///
    /// # Errors
    ///
    /// None is, or `target/` cannot be written.
    pub fn take(workspace: &Workspace) -> Result<Slot> {
        let folder = workspace.root().join("target");
        for number in 1..=SLOTS {
            let path = folder.join(format!("page_{number}.lock"));
            let lock = fs::create_dir_all(&folder)
                .and_then(|()| File::create(&path))
                .with_context(|| format!("could not lock `{}`", path.display()))?;
            if lock.try_lock().is_ok() {
                return Ok(Slot { number, lock });
            }
        }
        bail!("{SLOTS} programs that were edited run already; stop one of them first")
    }

    /// How the draft in this place is called.
    pub fn name(&self) -> String {
        format!("page_{}", self.number)
    }

    /// The place is taken as long as this file is open anywhere.
    pub fn lock(&self) -> &File {
        &self.lock
    }
}

/// Removes the drafts that a server left which could not end as it should, as when the machine lost its
/// power. A place that another server uses is left alone.
///
/// # Errors
///
/// Such a folder cannot be removed.
pub fn clear_left_drafts(workspace: &Workspace) -> Result<()> {
    // All that are free are held until all are cleared, so that each is looked at once.
    let free: Vec<Slot> = iter::from_fn(|| Slot::take(workspace).ok()).collect();
    for slot in &free {
        let folder = Draft::folder(workspace, &slot.name());
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("could not remove `{}`", folder.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_user_and_is_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let mut slots: Vec<Slot> = (0..SLOTS).map(|_| Slot::take(&workspace).unwrap()).collect();
        slots.dedup_by_key(|slot| slot.name());
        assert_eq!(slots.len(), SLOTS);
        assert!(Slot::take(&workspace).unwrap_err().to_string().contains("stop one of them"));
        drop(slots.remove(2));
        assert_eq!(Slot::take(&workspace).unwrap().name(), "page_3");
    }

    #[test]
    fn what_is_left_is_cleared_and_what_is_used_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let used = Slot::take(&workspace).unwrap();
        let names =
            [used.name(), "page_2".into(), "page_16".into(), "page_x".into(), "00_session".into()];
        let there = |name: &String| Draft::folder(&workspace, name).join("main.rs").exists();
        for name in &names {
            let folder = Draft::folder(&workspace, name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("main.rs"), "").unwrap();
        }
        clear_left_drafts(&workspace).unwrap();
        assert_eq!(names.each_ref().map(there), [true, false, false, true, true]);
        drop(used);
        clear_left_drafts(&workspace).unwrap();
        assert_eq!(names.each_ref().map(there), [false, false, false, true, true]);
        assert_eq!(Slot::take(&workspace).unwrap().name(), "page_1");
    }
}
