use std::sync::LazyLock;

use beaker::cache::Region;
use beaker::cached;

static HOURS: LazyLock<Region> = LazyLock::new(|| Region::named("hours"));

#[cached(region = HOURS)]
fn cannot_fail(season: u32) -> u32 {
    season
}

struct Table;

impl Table {
    #[cached(region = HOURS, skip(self))]
    fn no_name(&self, season: u32) -> beaker::Result<u32> {
        Ok(season)
    }
}

fn main() {}
