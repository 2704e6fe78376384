use beaker::cached;

#[cached(ttl = "1 fortnight")]
fn unit(season: u32) -> u32 {
    season
}

#[cached(ttl = 1.5)]
fn fraction(season: u32) -> u32 {
    season
}

#[cached(ttl = 0)]
fn at_once(season: u32) -> u32 {
    season
}

#[cached(stale_for = "")]
fn empty(season: u32) -> u32 {
    season
}

fn main() {}
