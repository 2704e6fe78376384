//! Names of a bounded length for keys of any length.

use std::borrow::Cow;

use crate::key::sha256_hex;

/// Between what is left of the key and its hash.
const MARK: u8 = b'~';
const TAIL: usize = 1 + 64;

/// A key of more than `longest` bytes (at least 65) keeps its beginning and ends with `~` and the
/// SHA-256 of the whole key, as in [`Key::wire`](crate::key::Key::wire). A key that looks like that is
/// hashed as well, so no two keys share a name.
pub(super) fn shorten(key: &[u8], longest: usize) -> Cow<'_, [u8]> {
    let beginning = longest.saturating_sub(TAIL);
    let looks_hashed = key.len() == longest && key.get(beginning) == Some(&MARK);
    if key.len() <= longest && !looks_hashed {
        return Cow::Borrowed(key);
    }
    Cow::Owned([&key[..beginning], &[MARK], sha256_hex(key).as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_stays() {
        for key in ["", "a", &"a".repeat(80)] {
            assert_eq!(shorten(key.as_bytes(), 80), key.as_bytes());
        }
    }

    #[test]
    fn what_is_long_is_hashed_and_stays_distinct() {
        let names = [81, 82].map(|length| shorten(&vec![b'a'; length], 80).into_owned());
        assert!(names.iter().all(|name| name.len() == 80 && name.starts_with(&[b'a'; 15])));
        assert_ne!(names[0], names[1]);
        let forged = shorten(&names[0], 80);
        assert_ne!(forged, names[0], "a name cannot be mistaken for a hash");
    }
}
