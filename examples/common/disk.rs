//! Shows what is on disk: a folder as a tree, a file as bytes.

use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};

/// Prints a folder as a tree.
pub fn print_tree(folder: &Path) -> Result<()> {
    println!("{}", folder.display());
    print_branches(folder, "")
}

fn print_branches(folder: &Path, indent: &str) -> Result<()> {
    let mut paths = paths_in(folder)?;
    let last = paths.pop();
    let branches = paths.iter().map(|path| (path, "├── ", "│   "));
    for (path, branch, below) in
        branches.chain(last.iter().map(|path| (path, "└── ", "    ")))
    {
        println!(
            "{indent}{branch}{}",
            path.file_name().unwrap_or_default().display()
        );
        if path.is_dir() {
            print_branches(path, &format!("{indent}{below}"))?;
        }
    }
    Ok(())
}

/// The first file in a folder, or in the folders in it.
pub fn first_file(folder: &Path) -> Result<Option<PathBuf>> {
    for path in paths_in(folder)? {
        match path.is_dir() {
            true => match first_file(&path)? {
                None => {}
                found => return Ok(found),
            },
            false => return Ok(Some(path)),
        }
    }
    Ok(None)
}

fn paths_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Prints bytes as `hexdump -C` does.
pub fn print_bytes(bytes: &[u8]) {
    for (line, bytes) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> =
            bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String = bytes.iter().map(|&byte| printable(byte)).collect();
        println!("{:08x}  {:47}  |{text}|", line * 16, hex.join(" "));
    }
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { byte.into() } else { '.' }
}
