//! One of the servers that ours are measured beside: `peers NAME [URL of the store]`. It prints its own
//! URL and serves until it is killed. The pages are those of `benches/pages`.

mod actix;
mod tower;

use std::env;
use std::io::Result;

fn main() -> Result<()> {
    let mut words = env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let store = words.next().unwrap_or_default();
    match name.strip_prefix("actix ") {
        Some(name) => actix::serve(name),
        None => tower::serve(&name, &store),
    }
}
