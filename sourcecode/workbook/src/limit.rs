//! The option `--limit`, which several commands have.

use std::time::Duration;

use clap::Args;

/// How long a program may take.
#[derive(Debug, Clone, Copy, Args)]
pub struct Limit {
    /// How many seconds a program may take; one that serves pages under `run` has no limit
    #[arg(long = "limit", value_name = "SECONDS", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

impl From<Limit> for Duration {
    fn from(limit: Limit) -> Duration {
        Duration::from_secs(limit.seconds.into())
    }
}
