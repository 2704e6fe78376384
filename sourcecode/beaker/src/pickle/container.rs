//! The pickles of one text that Beaker has around its JSON: alone in redis, in a dict in files and databases.

use super::{Node, Pickle};

/// Returns the text that a pickle is of; `None` for any other pickle, and for what is none.
#[must_use]
pub fn read_text(bytes: &[u8]) -> Option<String> {
    let pickle = Pickle::read(bytes).ok()?;
    pickle.text(pickle.root()).map(str::to_owned)
}

/// Writes the pickle of a text, byte for byte as Python writes it by default.
#[must_use]
pub fn write_text(text: &str) -> Vec<u8> {
    let mut pickle = Pickle::new();
    let root = pickle.add_text(text);
    pickle.set_root(root);
    pickle.write(4)
}

/// Returns the text of a key in a dict that has no other entries; `None` for any other pickle, and for what is
/// none.
#[must_use]
pub fn read_entry(bytes: &[u8], key: &str) -> Option<String> {
    let pickle = Pickle::read(bytes).ok()?;
    match pickle.node(pickle.root()) {
        Node::Dict(entries) if entries.len() == 1 => {}
        _ => return None,
    }
    let value = pickle.entry(pickle.root(), key)?;
    pickle.text(value).map(str::to_owned)
}

/// Writes the pickle of a dict with one entry, byte for byte as Python writes it with this protocol: 4 in
/// files, 5 in databases.
#[must_use]
pub fn write_entry(key: &str, text: &str, protocol: u8) -> Vec<u8> {
    let mut pickle = Pickle::new();
    let entry = (pickle.add_text(key), pickle.add_text(text));
    let root = pickle.add_dict([entry]);
    pickle.set_root(root);
    pickle.write(protocol)
}
