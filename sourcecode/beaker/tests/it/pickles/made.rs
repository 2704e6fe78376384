//! Pickles that Python 3.11 made of its types, in each protocol. `tests/it/python/pickles.py` makes them again.

use beaker::pickle::{Node, Pickle};
use data_encoding::{BASE64, HEXLOWER};

use super::read;
use super::same::are_same;

pub struct Made {
    pub name: String,
    pub protocol: u8,
    pub bytes: Vec<u8>,
}

/// Reads what the script prints.
pub fn made(lines: &str) -> Vec<Made> {
    let each = lines.lines().map(|line| {
        let [name, protocol, content] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let bytes = match content.strip_prefix('z') {
            Some(packed) => {
                let packed = BASE64.decode(packed.as_bytes()).unwrap();
                miniz_oxide::inflate::decompress_to_vec_zlib(&packed).unwrap()
            }
            None => HEXLOWER.decode(content.as_bytes()).unwrap(),
        };
        Made { name: name.to_owned(), protocol: protocol.parse().unwrap(), bytes }
    });
    each.collect()
}

pub const LINES: &str = include_str!("made.txt");

#[test]
fn every_type_comes_out_as_the_same_graph() {
    let all = made(LINES);
    assert!(all.len() > 250, "{}", all.len());
    for Made { name, protocol, bytes } in all {
        let pickle = read(&bytes);
        assert_eq!(
            pickle.protocol(),
            if protocol < 2 { 0 } else { protocol }.max(said(&bytes)),
            "{name}"
        );
        for other in [0, 1, 2, 3, 4, 5] {
            let written = pickle.write(other);
            let again = read(&written);
            // Bytes are a call in protocol 2.
            let has_bytes = pickle.ids().any(|id| matches!(pickle.node(id), Node::Bytes(_)));
            if again.protocol() > 2 || !has_bytes {
                assert!(are_same(&pickle, &again), "{name}: {protocol} as {other}");
                assert_eq!(again.write(other), written, "{name}: {protocol} as {other}");
            }
        }
    }
}

/// The protocol in the first two bytes.
fn said(bytes: &[u8]) -> u8 {
    if bytes[0] == 0x80 { bytes[1] } else { 0 }
}

/// Python's pickler, and ours.
#[test]
fn what_python_wrote_comes_out_byte_for_byte() {
    let mut others = Vec::new();
    for Made { name, protocol, bytes } in made(LINES) {
        if protocol >= 2 && protocol != 3 && read(&bytes).write(protocol) != bytes {
            others.push(format!("{name} {protocol}"));
        }
    }
    assert_eq!(others, [""; 0]);
}

/// The reason why a whole pickle is no value, or what it is.
fn shown(pickle: &Pickle) -> String {
    match pickle.value(pickle.root()) {
        Ok(value) => format!("{value:?}"),
        Err(why) => why.into_owned(),
    }
}

#[test]
fn what_a_value_can_hold_is_one_in_every_protocol() {
    for Made { name, protocol, bytes } in made(LINES) {
        println!("{name} {protocol}: {}", shown(&read(&bytes)));
    }
}
