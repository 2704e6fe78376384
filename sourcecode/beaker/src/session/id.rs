//! [`SessionId`]: what a session is known by.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::error::{Error, ErrorKind};

/// A session's id: a random UUID (version 4, 122 random bits) as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId([u8; 32]);

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

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
