use beaker::cached;

struct Db;

#[cached]
fn standings(db: &Db, season: u32) -> String {
    let _ = db;
    season.to_string()
}

#[cached]
fn counted(words: std::collections::HashMap<String, u32>) -> usize {
    words.len()
}

impl Db {
    #[cached]
    fn table(&self, season: u32) -> u32 {
        season
    }
}

fn main() {}
