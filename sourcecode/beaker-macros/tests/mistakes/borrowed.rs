use beaker::cached;

#[cached]
fn first(text: &str) -> &str {
    text
}

#[cached]
fn words<'a>(text: &'a str) -> Result<Vec<&'a str>, beaker::Error> {
    Ok(text.split(' ').collect())
}

#[cached]
fn fine(text: &str) -> &'static str {
    if text.is_empty() { "empty" } else { "full" }
}

fn main() {}
