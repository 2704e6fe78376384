//! Keeps sessions in one file of an embedded database, and shows the folder.

mod common;

use std::path::Path;

use beaker::{Backend, Result};
use common::{disk, get_session, print_session, set_drivers};

fn main() -> Result<()> {
    let backend = Backend::open("dbm", &[("data_dir", "./cache")])?; // (1)
    let mut session = get_session(&backend, None)?;
    set_drivers(&mut session);
    session.save()?; // (2)
    print_session(&session);

    println!("\nDBM storage session");
    let opened = get_session(&backend, Some(session.id()))?; // (3)
    print_session(&opened);
    assert_eq!(opened.values(), session.values());

    for _ in 0..100 {
        get_session(&backend, None)?.save()?; // (4)
    }
    println!("\nAfter 100 more sessions");
    disk::print_tree(Path::new("./cache")).expect("the folder can be read");
    Ok(())
}
