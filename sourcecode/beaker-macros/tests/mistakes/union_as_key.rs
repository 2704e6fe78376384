use beaker::cached;

use beaker::cache::KeyPart;

#[derive(KeyPart)]
union Bits {
    number: u32,
    fraction: f32,
}

#[cached]
fn fine() -> u32 {
    1
}

fn main() {}
