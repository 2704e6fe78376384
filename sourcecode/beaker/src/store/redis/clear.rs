//! Clearing a namespace on one server.

use redis::{Value, from_redis_value};

use super::command;
use super::deadline::Deadline;
use super::failure::Failure;
use super::server::Server;

/// So many keys are looked at in one step. The server does nothing else meanwhile, some 100 µs.
const STEP: &str = "1000";

/// Removes all keys that match, step by step; each step has its own deadline.
pub(super) fn clear(
    server: &Server,
    pattern: &str,
    deadline: impl Fn() -> Deadline,
) -> Result<(), Failure> {
    let mut cursor = 0_u64;
    loop {
        let words = ["SCAN", &cursor.to_string(), "MATCH", pattern, "COUNT", STEP];
        let scan = command::pack(&words.map(str::as_bytes));
        let found = server.run(&scan, &deadline())?;
        let (next, keys) = page(found).map_err(|error| Failure::new(&server.name, error))?;
        let mut unlinks = Vec::new();
        for key in &keys {
            // One command a key: in a cluster, one command is for one slot.
            command::append(&mut unlinks, &[b"UNLINK", key]);
        }
        server.run_all(&unlinks, keys.len(), &deadline())?;
        cursor = next;
        if cursor == 0 {
            return Ok(());
        }
    }
}

/// The next cursor and the keys.
fn page(value: Value) -> Result<(u64, Vec<Vec<u8>>), redis::ParsingError> {
    from_redis_value(value)
}
