use beaker::cached;

#[cached]
fn parsed<T: std::str::FromStr + Default>(text: &str) -> T {
    text.parse().unwrap_or_default()
}

struct Table;

impl Table {
    #[cached]
    fn of(season: u32) -> Result<Self, beaker::Error> {
        let _ = season;
        Ok(Table)
    }
}

fn main() {}
