//! Clearing a namespace on one server.

use super::command::{self, Command};
use super::deadline::Deadline;
use super::failure::Failure;
use super::server::Server;

/// Removes all keys that match, step by step; each step has its own deadline.
pub(super) fn clear(
    server: &Server,
    pattern: &str,
    deadline: impl Fn() -> Deadline,
) -> Result<(), Failure> {
    let mut cursor = 0_u64;
    loop {
        let scan = Command::scan(&cursor.to_string(), pattern).pack();
        let found = server.run(&scan, &deadline())?;
        let page = command::page(found).map_err(|error| Failure::new(&server.name, error));
        let (next, keys) = page?;
        // One command a key: in a cluster, one command is for one slot.
        let unlinks: Vec<u8> =
            keys.iter().flat_map(|key| Command::delete(key, None).pack()).collect();
        server.run_all(&unlinks, keys.len(), &deadline())?;
        cursor = next;
        if cursor == 0 {
            return Ok(());
        }
    }
}
