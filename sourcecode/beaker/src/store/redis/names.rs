//! The names of keys in redis.

use crate::key::{Key, Namespace};

/// Redis takes keys of any length; nobody wants to read longer ones.
const LONGEST_PART: usize = 250;

/// `beaker:namespace:name`. Neither part holds a `:`, nor anything that means more in a pattern.
pub(super) fn wire(key: &Key) -> String {
    let name = Namespace::default().key(key.name()).wire(LONGEST_PART);
    prefix(key.namespace()) + &name
}

/// What the keys of a namespace begin with, and no others do: the unnamed one has the empty text.
pub(super) fn prefix(namespace: &Namespace) -> String {
    match namespace.name() {
        "" => "beaker::".into(),
        _ => format!("beaker:{}:", namespace.wire(LONGEST_PART)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hold_nothing_that_a_pattern_would_read() {
        let check = |namespace: &str, name: &[u8], expected: &str| {
            assert_eq!(wire(&Namespace::new(namespace).key(name)), expected);
        };
        check("", b"9f3a", "beaker::9f3a");
        check("cities", b"Oslo 1", "beaker:cities:Oslo%201");
        check("a*", b"[b]?\\", "beaker:a%2a:%5bb%5d%3f%5c");
        check("a:b", b"{c}", "beaker:a%3ab:%7bc%7d");
        check("%", b"", "beaker:%25:%");
    }
}
