//! A program and all that it starts, so that they can be ended together.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

/// Waits for the end of its standard input, which comes when we say so or when our process is gone,
/// be it killed. Then it ends the group that it leads, and what has left the group but still has its
/// mark in the environment, and removes the folders. What starts others as fast as it is ended is
/// not followed for ever.
const LEADER: &str = r#"
trap '' INT TERM HUP
read -r _
kill -TERM 0
round=0
while [ $round -lt 50 ]; do
    found=$(grep -lsF "WORKBOOK_GROUP=$$." /proc/[0-9]*/environ)
    [ -n "$found" ] || break
    for file in $found; do
        process=${file#/proc/}
        kill -KILL "${process%/environ}"
    done
    round=$((round + 1))
done
[ $# -eq 0 ] || rm -rf "$@"
kill -KILL 0
"#;

/// What marks a process as one of a group.
const MARK: &str = "WORKBOOK_GROUP";

/// A process group. What leaves it, as a daemon does, is still found by its environment, on Linux and if
/// it was [marked](Group::mark).
#[derive(Debug)]
pub(crate) struct Group {
    leader: Child,
}

impl Group {
    /// Starts the group's leader, which lives as long as the group: its process id, which is the
    /// group's, cannot come to mean another group. These folders go with the group.
    pub(crate) fn start<F: AsRef<OsStr>>(
        folders: impl IntoIterator<Item = F>,
    ) -> io::Result<Group> {
        Group::lead(folders, Stdio::null())
    }

    /// As [`start`](Group::start) with one folder, and a lock on it: a file that stays open until the folder
    /// is gone, though our process may be gone before.
    pub(crate) fn holding(folder: &Path, lock: &File) -> io::Result<Group> {
        // The leader writes nothing there; its standard output is how it can have a file of ours.
        Group::lead([folder], lock.try_clone()?.into())
    }

    fn lead<F: AsRef<OsStr>>(
        folders: impl IntoIterator<Item = F>,
        held: Stdio,
    ) -> io::Result<Group> {
        let leader = Command::new("sh")
            .args(["-c", LEADER, "sh"])
            .args(folders)
            .stdin(Stdio::piped())
            .stdout(held)
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Group { leader })
    }

    /// The group's id.
    pub(super) fn id(&self) -> u32 {
        self.leader.id()
    }

    /// Makes the command start its process in this group.
    pub(crate) fn adopt(&self, command: &mut Command) {
        if let Ok(id) = i32::try_from(self.leader.id()) {
            command.process_group(id);
        }
    }

    /// Marks what the command starts, so that it is found should it leave the group.
    pub(super) fn mark(&self, command: &mut Command) {
        command.env(MARK, format!("{}.", self.leader.id()));
    }

    /// Asks all processes of the group to stop. The leader does not listen.
    pub(super) fn ask_to_stop(&self) {
        let id = i32::try_from(self.leader.id()).ok().and_then(Pid::from_raw);
        if let Some(id) = id.filter(|_| self.leader.stdin.is_some()) {
            // An error says that nobody is left, which is what is wanted.
            let _ = kill_process_group(id, Signal::TERM);
        }
    }

    /// Ends all processes of the group, and removes the folders. Should we be killed meanwhile, the
    /// leader still does both.
    pub(crate) fn end(&mut self) {
        drop(self.leader.stdin.take());
        let _ = self.leader.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}
