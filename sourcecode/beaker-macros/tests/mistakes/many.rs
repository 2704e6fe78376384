//! Functions of many keys that are none.

use beaker::cached;

#[cached(many = ids)]
fn no_such_argument(numbers: &[u32]) -> beaker::Result<Vec<u32>> {
    Ok(numbers.to_vec())
}

#[cached(many = number)]
fn one(number: u32) -> beaker::Result<Vec<u32>> {
    Ok(vec![number])
}

#[cached(many = numbers)]
fn cannot_fail(numbers: &[u32]) -> Vec<u32> {
    numbers.to_vec()
}

#[cached(many = numbers)]
fn one_for_all(numbers: &[u32]) -> beaker::Result<u32> {
    Ok(numbers.iter().sum())
}

#[cached(many = numbers, skip(numbers))]
fn skipped(numbers: &[u32]) -> beaker::Result<Vec<u32>> {
    Ok(numbers.to_vec())
}

#[cached(many = numbers, key = numbers.len())]
fn key(numbers: &[u32]) -> beaker::Result<Vec<u32>> {
    Ok(numbers.to_vec())
}

#[cached(objects)]
fn objects(number: u32) -> u32 {
    number
}

fn main() {}
