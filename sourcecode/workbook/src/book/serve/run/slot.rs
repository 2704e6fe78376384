//! Places where drafts are compiled: few, and used again and again, since what cargo makes of each stays
//! in `target/`, and has megabytes.

use std::fs::{self, File};

use anyhow::{Context, Result, bail};
use programs::Workspace;

/// More than one server of a workbook needs, for there may be several.
const SLOTS: usize = 16;

/// A place that nobody else uses until this is dropped, or its process is gone.
#[derive(Debug)]
pub struct Slot {
    number: usize,
    _lock: File,
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
                return Ok(Slot { number, _lock: lock });
            }
        }
        bail!("{SLOTS} programs that were edited run already; stop one of them first")
    }

    /// How the draft in this place is called.
    pub fn name(&self) -> String {
        format!("page_{}", self.number)
    }
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
}
