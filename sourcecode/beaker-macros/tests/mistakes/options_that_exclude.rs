use beaker::cached;

use std::sync::LazyLock;

static SEASONS: LazyLock<beaker::Cache<u32>> = LazyLock::new(|| beaker::Cache::in_memory(10));

#[cached(cache = SEASONS, size = 20)]
fn size(season: u32) -> u32 {
    season
}

#[cached(key = season, skip(other))]
fn key(season: u32, other: u32) -> u32 {
    season + other
}

#[cached(skip(othr))]
fn skip(season: u32, other: u32) -> u32 {
    season + other
}

#[cached(skip = other)]
fn skip_value(season: u32, other: u32) -> u32 {
    season + other
}

fn main() {}
