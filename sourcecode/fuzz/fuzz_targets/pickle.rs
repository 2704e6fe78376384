//! What a Python application stores, or somebody else in its place: read or refused, and what was read is
//! written in each protocol, and read once more as the same graph.

#![no_main]

#[path = "../../beaker/tests/it/pickles/same.rs"]
mod same;

use beaker::pickle::{Node, Pickle, read_entry, read_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (text, entry) = (read_text(bytes), read_entry(bytes, "session"));
    let Ok(pickle) = Pickle::read(bytes) else {
        assert!(text.is_none() && entry.is_none());
        return;
    };
    // Whatever is asked for takes an instruction.
    assert!(pickle.len() <= 3 * bytes.len());
    for id in pickle.ids() {
        if let Ok(value) = pickle.value(id) {
            let mut other = Pickle::new();
            let root = other.add(&value).unwrap();
            other.set_root(root);
            let again = Pickle::read(&other.write(4)).unwrap();
            assert_eq!(
                format!("{:?}", again.value(again.root())),
                format!("{:?}", Ok::<_, ()>(value))
            );
        }
        let _ = pickle.entries(id);
    }
    let has_bytes = pickle.ids().any(|id| matches!(pickle.node(id), Node::Bytes(_)));
    for protocol in [2, 4, 5] {
        let written = pickle.write(protocol);
        assert!(written.len() <= 100 + 60 * bytes.len(), "{} of {}", written.len(), bytes.len());
        let again = Pickle::read(&written).unwrap();
        // Bytes are a call in protocol 2.
        if again.protocol() > 2 || !has_bytes {
            assert!(same::are_same(&pickle, &again));
        }
    }
});
