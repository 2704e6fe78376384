use beaker::cached;

#[cached]
fn laps(season: u32) -> impl Iterator<Item = u32> {
    0..season
}

#[cached]
fn longest(texts: impl AsRef<str>) -> usize {
    texts.as_ref().len()
}

fn main() {}
