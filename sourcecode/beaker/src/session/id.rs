//! [`SessionId`]: what a session is known by.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::error::{Error, ErrorKind};

/// So many digits of an id are shown where it is not asked for.
const SHOWN: usize = 8;

/// A session's id: a random UUID (version 4, 122 random bits) as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Digits);

/// The digits of an id, as they are compared.
pub(super) type Digits = [u8; SessionId::LENGTH];

impl SessionId {
    /// How many digits it has.
    pub(super) const LENGTH: usize = 32;

    /// A new one, from the system's random numbers.
    pub fn random() -> SessionId {
        let mut id = SessionId([0; 32]);
        Uuid::new_v4().simple().encode_lower(&mut id.0);
        id
    }

    /// Its 32 lower-case hex digits.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) fn digits(&self) -> Digits {
        self.0
    }

    /// Its first digits, for events and errors: the whole id is a key to the session.
    pub(crate) fn shown(&self) -> &str {
        self.as_str().get(..SHOWN).unwrap_or_default()
    }

    /// The same with a sign that there are more.
    pub(super) fn short(&self) -> Short {
        Short(*self)
    }
}

/// An id that shows its first digits.
pub(super) struct Short(SessionId);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.0.shown())
    }
}

/// The error with each id in it shortened: what a store says names the key, or the file of that name.
pub(super) fn shortened(error: Error) -> Error {
    error.rewritten(shorten)
}

/// The text with all of its ids shortened; `None` if there is none.
fn shorten(text: &str) -> Option<String> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let (bytes, mut shown, mut kept) = (text.as_bytes(), String::new(), 0);
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes[at..].iter().take_while(|byte| is_digit(**byte)).count();
        if digits == SessionId::LENGTH {
            shown.push_str(&text[kept..at + SHOWN]);
            shown.push('…');
            kept = at + digits;
        }
        at += digits.max(1);
    }
    (kept > 0).then(|| shown + &text[kept..])
}

/// From 32 lower-case hex digits, and nothing else: no other text becomes a key or a file's name.
///
/// Being well-formed makes an id neither known nor anybody's: what came from a visitor goes through
/// [`Sessions::load`](super::Sessions::load), which checks the signature.
impl FromStr for SessionId {
    type Err = Error;

    fn from_str(text: &str) -> Result<SessionId, Error> {
        let digits = <[u8; 32]>::try_from(text.as_bytes()).ok();
        // All are looked at, with no early end: so the compiler does it for many at once.
        let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let digits = digits.filter(|digits| digits.iter().fold(true, |all, byte| all & hex(byte)));
        digits.map(SessionId).ok_or_else(|| {
            Error::new(ErrorKind::UnknownSession, "a session's id is 32 lower-case hex digits")
        })
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The first digits alone, since this is what logs print; `Display` gives all of them.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.short(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_texts_are_shortened() {
        let id = "0123456789abcdef0123456789abcdef";
        for (text, shown) in [
            (format!("could not read `{id}`"), Some("could not read `01234567…`")),
            (format!("é/01/{id}.cache, {id}"), Some("é/01/01234567….cache, 01234567…")),
            (id.to_owned(), Some("01234567…")),
            (format!("{id}0 and {}", &id[1..]), None),
            (String::new(), None),
        ] {
            assert_eq!(shorten(&text).as_deref(), shown);
        }
        let id: SessionId = id.parse().unwrap();
        assert_eq!(
            (format!("{id:?}"), id.short().to_string()),
            (format!("{}", id.short()), "01234567…".into())
        );
    }

    #[test]
    fn only_32_hex_digits_are_an_id() {
        let id = SessionId::random();
        assert_eq!(id.as_str().parse::<SessionId>().unwrap(), id);
        let long = "a".repeat(10_000);
        let upper = id.as_str().to_uppercase();
        for text in ["", "../../../../../../../etc/passwd", "a\0", &long, &upper, &"é".repeat(16)]
        {
            assert!(text.parse::<SessionId>().is_err(), "{text}");
        }
    }
}
