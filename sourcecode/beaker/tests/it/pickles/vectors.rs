//! What Beaker itself stored, byte for byte.

use beaker::pickle::{Node, read_entry, read_text, write_entry, write_text};
use data_encoding::HEXLOWER;

use super::read;

/// base64 of a packed session.
const SESSION: &str = "eJyrVopPyc9NzMxTslLIK83J0VFQii9ILMkAcpX0lUC8xOTk1OLi1JT4kszcVKCwobkBFOgZmYIUJBelJpZk5ufhUlBanFoEMi4xJRFkIMgm81oAUswhbA==";

/// In redis.
const TEXT: &str = "8004957c000000000000008c78654a7972566f70507963394e7a4d7854736c4c494b38334a30564651696939494c4d6b41637058306c554338784f546b314f4c69314a54346b737a63564b43776f626b42464f675a6d5949554a42656c4a705a6b35756668556c42616e466f454d6934784a52466b494d676d38316f415573776862413d3d942e";

/// In a file.
const ENTRY: &str = "80049589000000000000007d948c0773657373696f6e948c78654a7972566f70507963394e7a4d7854736c4c494b38334a30564651696939494c4d6b41637058306c554338784f546b314f4c69314a54346b737a63564b43776f626b42464f675a6d5949554a42656c4a705a6b35756668556c42616e466f454d6934784a52466b494d676d38316f415573776862413d3d94732e";

/// A session, pickled.
const PICKLED: &str = "80027d71002858070000005f646f6d61696e71014e58050000005f70617468710258010000002f7103580e0000005f61636365737365645f74696d6571044741d954fc40100000580e0000005f6372656174696f6e5f74696d6571054741d954fc4010000058040000007573657271065803000000616461710758010000006e71084b07752e";

/// Two values of a cache in a file, and in a database.
const CACHED: [&str; 2] = [
    "80049546000000000000007d942843026b31944741d954fc401000004d100e8c02763194879443026b32944741d954fc401000004e7d948c0161945d94284b014740040000000000004e8865738794752e",
    "80059537000000000000007d942843026b31944741d954fc401000004d100e8c02763194879443026b32944741d954fc401000004d100e5d94284b014e658794752e",
];

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).unwrap()
}

#[test]
fn a_text_is_written_as_python_writes_it() {
    assert_eq!(read_text(&bytes(TEXT)).as_deref(), Some(SESSION));
    assert_eq!(HEXLOWER.encode(&write_text(SESSION)), TEXT);
}

#[test]
fn an_entry_is_written_as_python_writes_it() {
    let in_database = ENTRY.replacen("8004", "8005", 1);
    for (protocol, hex) in [(4, ENTRY), (5, &*in_database)] {
        assert_eq!(read_entry(&bytes(hex), "session").as_deref(), Some(SESSION));
        assert_eq!(HEXLOWER.encode(&write_entry("session", SESSION, protocol)), *hex);
    }
    // By hand, without a memo and of another protocol.
    let length = HEXLOWER.encode(&(SESSION.len() as u32).to_le_bytes());
    let text = HEXLOWER.encode(SESSION.as_bytes());
    let hex = format!("80027d580700000073657373696f6e58{length}{text}732e");
    assert_eq!(read_entry(&bytes(&hex), "session").as_deref(), Some(SESSION));
}

#[test]
fn what_is_no_single_text_is_none() {
    for hex in [PICKLED, ENTRY, CACHED[0], "", "80", "80042e", "8004", "4e2e"] {
        assert_eq!(read_text(&bytes(hex)), None, "{hex}");
    }
    for hex in [PICKLED, TEXT, CACHED[0], "", "7d2e", "8004", "4e2e"] {
        assert_eq!(read_entry(&bytes(hex), "session"), None, "{hex}");
    }
    assert_eq!(read_entry(&bytes(ENTRY), "other"), None);
    assert_eq!(read_entry(&write_entry("session", "", 4)[..20], "session"), None);
}

#[test]
fn what_beaker_stored_comes_out_as_it_was() {
    for (hex, protocol) in [(PICKLED, 2), (CACHED[0], 4), (CACHED[1], 5), (TEXT, 4), (ENTRY, 4)] {
        let pickle = read(&bytes(hex));
        assert_eq!(pickle.protocol(), protocol);
        assert_eq!(HEXLOWER.encode(&pickle.write(protocol)), hex);
    }
}

#[test]
fn a_session_is_its_entries() {
    let pickle = read(&bytes(PICKLED));
    let entries = pickle.entries(pickle.root()).unwrap();
    let shown = entries.iter().map(|&(key, value)| {
        format!("{} {:?}", pickle.text(key).unwrap(), pickle.value(value).unwrap())
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            "_domain null",
            "_path \"/\"",
            "_accessed_time 1700000000.25",
            "_creation_time 1700000000.25",
            "user \"ada\"",
            "n 7"
        ]
    );
}

#[test]
fn a_cached_value_is_a_tuple_under_a_key_of_bytes() {
    let pickle = read(&bytes(CACHED[0]));
    let entries = pickle.entries(pickle.root()).unwrap();
    assert_eq!(*pickle.node(entries[1].0), Node::Bytes(b"k2".as_slice().into()));
    let value = pickle.value(entries[1].1).unwrap();
    assert_eq!(format!("{value:?}"), "[1700000000.25, null, {\"a\": [1, 2.5, null, true]}]");
    assert_eq!(pickle.value(pickle.root()).unwrap_err(), "it has a key that is no text");
}
