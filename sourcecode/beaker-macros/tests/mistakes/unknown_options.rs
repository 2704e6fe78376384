use beaker::cached;

#[cached(ttl = 60)]
fn ttl(season: u32) -> u32 {
    season
}

#[cached(colour = "red")]
fn colour(season: u32) -> u32 {
    season
}

#[cached(expire)]
fn no_value(season: u32) -> u32 {
    season
}

#[cached(expire = 60, expire = 70)]
fn twice(season: u32) -> u32 {
    season
}

fn main() {}
