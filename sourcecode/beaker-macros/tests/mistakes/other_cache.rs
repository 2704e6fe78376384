use beaker::cached;

use std::sync::LazyLock;

static NAMES: LazyLock<beaker::Cache<String>> = LazyLock::new(|| beaker::Cache::in_memory(10));

#[cached(cache = NAMES)]
fn points(season: u32) -> u64 {
    season.into()
}

fn main() {}
