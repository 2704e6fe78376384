//! Keeps a session in a file, and shows the folder and the bytes.

mod common;

use std::path::Path;

use beaker::{Backend, Result};
use common::{disk, get_session, print_session, set_drivers};

fn main() -> Result<()> {
    let backend = Backend::open("file", &[("data_dir", "./cache")])?; // (1)
    let mut session = get_session(&backend, None)?;
    set_drivers(&mut session);
    session.save()?; // (2)
    print_session(&session);

    println!("\nFile storage session");
    let opened = get_session(&backend, Some(session.id()))?; // (3)
    print_session(&opened);
    assert_eq!(opened.values(), session.values());

    show_disk(Path::new("./cache")).expect("the folder can be read");
    Ok(())
}

fn show_disk(folder: &Path) -> std::io::Result<()> {
    println!();
    disk::print_tree(folder)?; // (4)
    if let Some(file) = disk::first_file(folder)? {
        println!();
        disk::print_bytes(&std::fs::read(file)?); // (5)
    }
    Ok(())
}
