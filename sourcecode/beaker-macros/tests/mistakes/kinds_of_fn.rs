use beaker::cached;

#[cached]
const fn square(number: u32) -> u32 {
    number * number
}

#[cached]
unsafe fn read(address: usize) -> u32 {
    address as u32
}

#[cached]
extern "C" fn called_from_c(number: u32) -> u32 {
    number
}

#[cached]
struct Standings;

fn main() {}
