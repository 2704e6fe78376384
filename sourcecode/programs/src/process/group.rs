//! A program and all that it starts, so that they can be ended together.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

/// Waits for the end of its standard input, which comes when we say so or when our process is gone,
/// be it killed. Then it removes the folder and ends the group that it leads.
const LEADER: &str = r#"
trap '' INT TERM HUP
read -r _
kill -TERM 0
rm -rf "$0"
kill -KILL 0
"#;

/// A process group. A process that leaves its group, as a daemon does, is not covered.
#[derive(Debug)]
pub(super) struct Group {
    leader: Child,
}

impl Group {
    /// Starts the group's leader, which lives as long as the group: its process id, which is the
    /// group's, cannot come to mean another group.
    pub(super) fn start(folder: &Path) -> io::Result<Group> {
        let leader = Command::new("sh")
            .args(["-c", LEADER])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Group { leader })
    }

    /// Makes the command start its process in this group.
    pub(super) fn adopt(&self, command: &mut Command) {
        if let Ok(id) = i32::try_from(self.leader.id()) {
            command.process_group(id);
        }
    }

    /// Asks all processes of the group to stop. The leader does not listen.
    pub(super) fn ask_to_stop(&self) {
        let id = i32::try_from(self.leader.id()).ok().and_then(Pid::from_raw);
        if let Some(id) = id.filter(|_| self.leader.stdin.is_some()) {
            // An error says that nobody is left, which is what is wanted.
            let _ = kill_process_group(id, Signal::TERM);
        }
    }

    /// Ends all processes of the group, and removes the folder. Should we be killed meanwhile, the
    /// leader still does both.
    pub(super) fn end(&mut self) {
        drop(self.leader.stdin.take());
        let _ = self.leader.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}
