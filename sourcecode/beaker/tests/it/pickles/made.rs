//! Pickles that Python 3.11 made of its types, in each protocol. `tests/it/python/pickles.py` makes them again.

use beaker::Value;
use beaker::pickle::Node;
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

/// Python's pickler does the same, up to what both throw away in these.
#[test]
fn what_python_wrote_comes_out_byte_for_byte() {
    let mut others = Vec::new();
    for Made { name, protocol, bytes } in made(LINES) {
        if protocol >= 2 && protocol != 3 && read(&bytes).write(protocol) != bytes {
            others.push(format!("{name} {protocol}"));
        }
    }
    let thrown_away = [
        "frozen set in a cycle 2",
        "call that begins a cycle 2",
        "call that begins a cycle 4",
        "call that begins a cycle 5",
    ];
    assert_eq!(others, thrown_away);
}

#[test]
fn what_a_value_can_hold_is_the_same_in_every_protocol() {
    let shown = |bytes: &[u8]| {
        let pickle = read(bytes);
        match pickle.value(pickle.root()) {
            Ok(value) => format!("{value:?}"),
            Err(why) => why.into_owned(),
        }
    };
    let mut seen = 0;
    for Made { name, protocol, bytes } in made(LINES) {
        let expected = match name.as_str() {
            "none" => "null",
            "small integers" => "[0, 1, -1, 9, -10]",
            "integers" => "it is a whole number beyond 64 bits with a sign",
            "floats that are no numbers" => "[NaN, inf, -inf]",
            "surrogates" => "it is a text with half of a surrogate pair, which is no Unicode",
            "tuples" => r#"[[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [[], [[1, "a"]]]]"#,
            "dicts" => "it has a key that is no text",
            "session" | "shared" => "it has a list or a dict that something else has too",
            "recursive list" | "recursive dict" | "tuple through a list" => "it contains itself",
            "set" => "it is a Python `set`",
            "bytearray" => "it is a Python `bytearray`",
            "datetime" => "it is a Python `datetime.datetime`",
            "timedelta" => "it is a Python `datetime.timedelta`",
            "decimal" => "it is a Python `decimal.Decimal`",
            "uuid" => "it is a Python `uuid.UUID`",
            "ordered dict" => "it is a Python `collections.OrderedDict`",
            "default dict" => "it is a Python `collections.defaultdict`",
            "complex" => "it is a Python `complex`",
            "named tuple" => "it is a Python `__main__.Point`",
            "object" => "it is a Python `__main__.Plain`",
            "enum" => "it is a Python `__main__.Color`",
            "classes and functions" => "it is a class or a function of Python",
            "inner class" if protocol < 4 => "it is an object of Python",
            "inner class" => "it is a Python `__main__.Outer.Inner`",
            _ => continue,
        };
        assert_eq!(shown(&bytes), expected, "{name} {protocol}");
        seen += 1;
    }
    assert_eq!(seen, 26 * 6);
    for Made { name, bytes, .. } in made(LINES) {
        if name == "bytes" {
            let pickle = read(&bytes);
            let all: Vec<u8> = (0..=255).chain(0..=255).collect();
            let expected = [&[][..], b"\0\xff", b"'\"\\\n", &all].map(Value::from);
            assert_eq!(
                pickle.value(pickle.root()),
                Ok(Value::List(expected.into_iter().collect()))
            );
        }
    }
}
