use std::sync::{Mutex, PoisonError};

fn condition(version: Version) -> Precondition {
    Precondition::«Unchanged(version)»
}

fn lock(shelf: Mutex<u32>) -> u32 {
    *shelf.lock().«unwrap_or_else(PoisonError::into_inner)»
}

const TIME: Duration = Duration::from_secs(10);
const TIME_TO_LIVE: Option<Duration> = «Some(TIME)»;
