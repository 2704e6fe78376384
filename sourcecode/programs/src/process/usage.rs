//! [`Usage`]: what all processes of a program take together, where the system has `/proc`.
//!
//! A limit of the system is one of each process, or of the user; and some do not hold for root.

use std::fs;

/// What the processes of a group take together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Processes and their threads.
    pub(super) tasks: u64,
    /// Bytes of memory that are in use.
    pub(super) memory: u64,
}

impl Usage {
    /// Adds up what is in this group, but for its leader.
    pub(super) fn of_group(group: u32) -> Usage {
        let mut all = Usage::default();
        // Without `/proc` nothing is known, and nothing is too much.
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name();
            let process = name.to_str().and_then(|name| name.parse::<u32>().ok());
            if process.is_none_or(|process| process == group) {
                continue;
            }
            // One that ends meanwhile takes nothing.
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            if let Some((_, usage)) = parse(&stat).filter(|(found, _)| *found == group) {
                all.tasks += usage.tasks;
                all.memory += usage.memory;
            }
        }
        all
    }
}

/// The group of a process and what it takes, from its `/proc/N/stat`.
fn parse(stat: &str) -> Option<(u32, Usage)> {
    // The name of the program is in parentheses, and may hold any.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    // The state is field 3 of proc(5).
    let field = |number: usize| fields.get(number - 3)?.trim().parse::<u64>().ok();
    let page = rustix::param::page_size() as u64;
    let usage = Usage { tasks: field(20)?, memory: field(24)?.saturating_mul(page) };
    Some((field(5)?.try_into().ok()?, usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_says() {
        let stat =
            "7 (a) R 1 (x) S 2 41 41 0 -1 4194304 90 0 0 0 0 0 0 0 20 0 3 0 100 8192 5 1844 1";
        let usage = Usage { tasks: 3, memory: 5 * rustix::param::page_size() as u64 };
        assert_eq!(parse(stat), Some((41, usage)));
        assert_eq!(parse("7 (a) R 1"), None);
        assert_eq!(parse(""), None);
    }
}
