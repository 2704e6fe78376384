//! [`Namespace`] and [`Key`]: the names of stored values, and the rule by which they are escaped and
//! shortened.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use smallvec::SmallVec;

/// Groups keys that can be cleared together. Sessions are in the unnamed namespace, `Namespace::default()`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Option<Arc<str>>);

impl Namespace {
    /// Creates the namespace of this name. Any text is allowed, and `""` is the unnamed namespace.
    #[must_use]
    pub fn new(name: &str) -> Namespace {
        Namespace((!name.is_empty()).then(|| name.into()))
    }

    /// Returns the name as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.as_deref().unwrap_or("")
    }

    /// Creates the key of this name in the namespace.
    pub fn key(&self, name: impl AsRef<[u8]>) -> Key {
        Key { namespace: self.clone(), name: SmallVec::from_slice(name.as_ref()) }
    }

    /// Returns the name as a text of at most `longest` bytes, for a server or a file name: see
    /// [`Key::wire`].
    #[must_use]
    pub fn wire(&self, longest: usize) -> String {
        shorten(escape(self.name().as_bytes()), longest)
    }
}

#[cfg(any(feature = "redis", feature = "sqlite", feature = "postgres"))]
impl Namespace {
    /// Parses the name of a key as stores write it. Returns `None` if it was shortened to a hash, or is
    /// invalid.
    pub(crate) fn key_of_wire(&self, text: &str) -> Option<Key> {
        if text == "%" {
            return Some(self.key(""));
        }
        let mut parts = text.split('%');
        let mut name = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            let (digits, rest) = part.split_at_checked(2)?;
            name.extend(HEXLOWER.decode(digits.as_bytes()).ok()?);
            name.extend(rest.as_bytes());
        }
        // Escaping the result again gives another text if the input was invalid. That includes hashes,
        // because `~` is escaped.
        let is_same = !name.is_empty() && escape(&name) == text;
        is_same.then(|| self.key(name))
    }
}

impl From<&str> for Namespace {
    fn from(name: &str) -> Namespace {
        Namespace::new(name)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.name(), f)
    }
}

/// Identifies a value in a store: a name of any bytes, in a namespace.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    namespace: Namespace,
    /// The id of a session has 32 bytes, and needs no allocation.
    name: SmallVec<[u8; 32]>,
}

/// Hashes the bytes alone, without lengths in between: equal keys have equal hashes, and that is enough.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.name);
        state.write(self.namespace.name().as_bytes());
    }
}

impl Key {
    /// Returns the namespace of the key.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Returns the name within the namespace, as it was given.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Returns a text for a server: `name` or `namespace:name`. Everything except letters, digits, `-`, `_`
    /// and `.` is escaped as `%` and two hexadecimal digits, so that different keys have different texts.
    ///
    /// A text of more than `longest` bytes (which is at least 80) is shortened to its beginning, `~` and
    /// the SHA-256 hash of the whole text. Beaker has the same rule with SHA-1 and without the beginning.
    #[must_use]
    pub fn wire(&self, longest: usize) -> String {
        let name = escape(&self.name);
        if self.namespace.0.is_none() {
            return shorten(name, longest);
        }
        let mut text = escape(self.namespace.name().as_bytes());
        text.push(':');
        text.push_str(&name);
        shorten(text, longest)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.wire(120))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// Never returns an empty text, because no server accepts an empty key: an empty name becomes a single `%`.
fn escape(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "%".into();
    }
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => text.push(byte as char),
            _ => {
                text.push('%');
                HEXLOWER.encode_append(&[byte], &mut text);
            }
        }
    }
    text
}

fn shorten(mut text: String, longest: usize) -> String {
    const HASH: usize = 1 + 64;
    if text.len() <= longest {
        return text;
    }
    let hash = sha256_hex(text.as_bytes());
    text.truncate(longest.saturating_sub(HASH));
    text.push('~');
    text.push_str(&hash);
    text
}

/// Returns the SHA-256 hash of the bytes as 64 lower-case hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(namespace: &str, name: &[u8], wire: &str) {
        assert_eq!(Namespace::new(namespace).key(name).wire(250), wire);
    }

    #[test]
    fn wire_form() {
        check("", b"9f3a", "9f3a");
        check("cities", b"Oslo 1", "cities:Oslo%201");
        check("a:b", b"c", "a%3ab:c");
        check("a", b"b:c", "a:b%3ac");
        check("", "España".as_bytes(), "Espa%c3%b1a");
        check("", b"a\r\nset x 0 0 1\r\n", "a%0d%0aset%20x%200%200%201%0d%0a");
        check("n", b"", "n:%");
        check("", b"", "%");
    }

    #[cfg(any(feature = "redis", feature = "sqlite", feature = "postgres"))]
    #[test]
    fn a_name_is_read_again_unless_it_is_a_hash() {
        let namespace = Namespace::new("n");
        for name in
            [&b""[..], b"9f3a", b"Oslo 1", b"a:b%c~d", "España".as_bytes(), &[0xff, 0, b'%']]
        {
            let key = Namespace::default().key(name);
            assert_eq!(namespace.key_of_wire(&key.wire(250)), Some(namespace.key(name)), "{key:?}");
        }
        let hashed = Namespace::default().key([b'x'; 300]).wire(250);
        for text in [hashed.as_str(), "", "a b", "%2", "%zz", "%2A", "%61", "%é", "é"] {
            assert_eq!(namespace.key_of_wire(text), None, "{text}");
        }
    }

    #[test]
    fn a_long_key_is_hashed_and_stays_distinct() {
        let namespace = Namespace::new("n");
        let (a, b) = (namespace.key([b'x'; 300]), namespace.key([b'x'; 301]));
        assert_eq!(a.wire(250).len(), 250);
        assert!(a.wire(250).starts_with("n:xxxx"));
        assert_ne!(a.wire(250), b.wire(250));
        assert_eq!(a.wire(250), a.wire(250));
    }

    #[test]
    fn a_long_namespace_and_a_long_name_do_not_meet() {
        let (long, short) = ("a".repeat(240), "k".repeat(20));
        let named = Namespace::new(&long).key(&short).wire(250);
        assert_ne!(named, Namespace::default().key(format!("{long}:{short}")).wire(250));
    }

    #[test]
    fn a_name_cannot_be_mistaken_for_a_hash() {
        let long = Namespace::default().key([b'x'; 300]);
        let forged = Namespace::default().key(long.wire(250));
        assert_ne!(long.wire(250), forged.wire(250));
    }
}
