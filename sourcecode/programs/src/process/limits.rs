//! [`Limits`]: how much of the machine a process may take, set by the shell just before it becomes the
//! program, so that there is no moment without them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::Duration;

/// Sets what this system has, and becomes the program. What is limited more already stays so: the
/// shell refuses to raise it. A process in the background that writes to a terminal could be stopped
/// by that, if the terminal is set so; this one is not.
const LIMITED: &str = r#"
trap '' TTOU
{
    ulimit -c 0
    ulimit -d "$1"
    ulimit -f "$2"
    ulimit -t "$3"
    ulimit -u "$4" || ulimit -p "$4"
} 2>/dev/null
shift 4
exec "$@"
"#;

/// What each process may take. What it starts has the same limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory that it may ask for; Linux counts what is written to, and not what is reserved.
    pub memory: u64,
    /// Bytes of memory that a program's processes may use together. [`Process`](super::Process) holds them
    /// to it, where the system has `/proc`.
    pub together: u64,
    /// Bytes of the largest file that it may write.
    pub file: u64,
    /// How long it may compute, on all processors together.
    pub computing: Duration,
    /// Processes and threads that the user may have beside those of now, and that a program may have.
    /// The system does not hold root to it, but [`Process`](super::Process) does.
    pub tasks: u64,
}

impl Limits {
    /// For programs of the book and what readers make of them.
    pub const PROGRAM: Limits = Limits {
        memory: 1 << 30,
        together: 2 << 30,
        file: 256 << 20,
        computing: Duration::from_secs(10 * 60),
        tasks: 512,
    };

    /// For cargo and the compiler.
    pub const COMPILER: Limits = Limits {
        memory: 4 << 30,
        together: u64::MAX,
        file: 2 << 30,
        computing: Duration::from_secs(60 * 60),
        tasks: 4096,
    };

    /// A command that starts a program within these limits; its arguments can be added.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", LIMITED, "sh"]);
        // The units of the shell: KiB, and blocks of 512 bytes.
        for number in [self.memory / 1024, self.file / 512, self.computing.as_secs().max(1)] {
            command.arg(number.to_string());
        }
        // Without `/proc` nobody knows how many there are; the shell refuses the word.
        let most = tasks_of_user().map(|there_are| (there_are + self.tasks).to_string());
        command.arg(most.as_deref().unwrap_or("unknown")).arg(program);
        command
    }
}

/// Processes and threads that this user has now. What a root user has does not matter.
fn tasks_of_user() -> Option<u64> {
    let user = fs::metadata("/proc/self").ok()?.uid();
    let processes = fs::read_dir("/proc").ok()?.filter_map(|entry| {
        let entry = entry.ok()?;
        entry.file_name().to_str()?.parse::<u32>().ok()?;
        // One that ends meanwhile needs no room.
        let tasks = fs::metadata(entry.path().join("task")).ok()?;
        // A folder has a link from each of its folders, and two more.
        (tasks.uid() == user).then(|| tasks.nlink().saturating_sub(2))
    });
    Some(processes.sum())
}
