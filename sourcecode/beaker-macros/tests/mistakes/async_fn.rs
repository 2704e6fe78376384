use beaker::cached;

#[cached]
async fn standings(season: u32) -> String {
    season.to_string()
}

fn main() {}
