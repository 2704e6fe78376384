//! The option `--limit`, which several commands have.

use std::time::Duration;

use clap::Args;

const SECONDS: u32 = 10;

/// How long a program may take.
#[derive(Debug, Clone, Copy, Args)]
pub struct Limit {
    /// How many seconds a program may take; one that serves pages has no limit under `run` and `serve`
    #[arg(long = "limit", value_name = "SECONDS", default_value_t = SECONDS)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

impl Default for Limit {
    fn default() -> Limit {
        Limit { seconds: SECONDS }
    }
}

impl From<Limit> for Duration {
    fn from(limit: Limit) -> Duration {
        Duration::from_secs(limit.seconds.into())
    }
}
