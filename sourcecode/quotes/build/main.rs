//! Writes, for each page of the book, a module with the Rust that the page quotes.

mod context;
mod page;
mod pages;

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for folder in ["book/en/src", "book/ru/src", "book/not-compiled.txt", "exercises"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
    }
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=pages");

    let written = pages::modules(&root);
    if !written.problems.is_empty() {
        for problem in &written.problems {
            println!("cargo::error={problem}");
        }
        return;
    }
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut list = String::new();
    for (name, module) in written.modules {
        let path = folder.join(&name).with_extension("rs");
        let name = name.replace('-', "_");
        list += &format!("#[path = {path:?}]\nmod {name};\n");
        fs::write(path, module).expect("cargo has made the folder");
    }
    fs::write(folder.join("quotes.rs"), list).expect("cargo has made the folder");
}
