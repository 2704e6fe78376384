use beaker::cached;

#[cached(expire = "1 fortnight")]
fn unit(season: u32) -> u32 {
    season
}

#[cached(expire = 1.5)]
fn fraction(season: u32) -> u32 {
    season
}

#[cached(expire = 0)]
fn at_once(season: u32) -> u32 {
    season
}

#[cached(stale_for = "")]
fn empty(season: u32) -> u32 {
    season
}

fn main() {}
