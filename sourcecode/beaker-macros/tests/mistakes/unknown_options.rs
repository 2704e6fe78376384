use beaker::cached;

#[cached(expire = 60)]
fn expire(season: u32) -> u32 {
    season
}

#[cached(colour = "red")]
fn colour(season: u32) -> u32 {
    season
}

#[cached(ttl)]
fn no_value(season: u32) -> u32 {
    season
}

#[cached(ttl = 60, ttl = 70)]
fn twice(season: u32) -> u32 {
    season
}

fn main() {}
