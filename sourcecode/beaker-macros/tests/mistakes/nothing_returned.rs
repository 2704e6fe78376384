use beaker::cached;

#[cached]
fn print(season: u32) {
    println!("{season}");
}

#[cached]
fn print_again(season: u32) -> () {
    println!("{season}");
}

#[cached]
fn written(season: u32) -> std::fmt::Result {
    println!("{season}");
    Ok(())
}

fn main() {}
