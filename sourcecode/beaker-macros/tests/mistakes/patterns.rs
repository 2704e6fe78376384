use beaker::cached;

#[cached]
fn sum((one, other): (u32, u32)) -> u32 {
    one + other
}

#[cached]
fn one(_: u32) -> u32 {
    1
}

fn main() {}
