//! [`SessionId`]: the id of a session, and its form in a cookie.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};

/// How many digits of an id are shown where it is not asked for.
const SHOWN: usize = 8;

/// A session's id: a random UUID (version 4, 122 random bits) as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Digits);

/// The digits of an id, as they are compared.
pub(super) type Digits = [u8; SessionId::LENGTH];

impl SessionId {
    /// The number of its digits.
    pub(super) const LENGTH: usize = 32;

    /// Creates a new id from the system's random numbers.
    ///
    /// # Panics
    ///
    /// Panics if the system has no random numbers.
    ///
    /// # Examples
    ///
    /// ```
    /// use beaker::SessionId;
    ///
    /// assert_ne!(SessionId::random(), SessionId::random());
    /// ```
    #[must_use]
    pub fn random() -> SessionId {
        let mut id = SessionId([0; 32]);
        Uuid::new_v4().simple().encode_lower(&mut id.0);
        id
    }

    /// Returns all 32 lower-case hexadecimal digits. The whole id is a credential, so do not log it.
    ///
    /// ```
    /// use beaker::SessionId;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let id: SessionId = "0123456789abcdef0123456789abcdef".parse()?;
    /// assert_eq!(id.as_str(), "0123456789abcdef0123456789abcdef");
    /// // What logs print is shorter.
    /// assert_eq!(format!("{id:?}"), "01234567…");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) fn digits(&self) -> Digits {
        self.0
    }

    /// Returns its first digits, for events and errors: the whole id is a key to the session.
    pub(crate) fn shown(&self) -> &str {
        self.as_str().get(..SHOWN).unwrap_or_default()
    }

    /// Returns the same with a sign that there are more.
    pub(super) fn short(&self) -> Short {
        Short(*self)
    }
}

/// Makes a number that nobody can guess and nobody has had: random as an id is.
///
/// # Panics
///
/// Panics if the system has no random numbers.
pub(super) fn nonce() -> [u8; 16] {
    Uuid::new_v4().into_bytes()
}

/// What makes new ids: the system's random numbers, or what the program has said.
#[derive(Clone, Default)]
pub(super) struct NewIds(Option<Arc<dyn Fn() -> SessionId + Send + Sync>>);

impl NewIds {
    pub(super) fn by(make: impl Fn() -> SessionId + Send + Sync + 'static) -> NewIds {
        NewIds(Some(Arc::new(make)))
    }

    pub(super) fn make(&self) -> SessionId {
        match &self.0 {
            None => SessionId::random(),
            Some(make) => make(),
        }
    }
}

impl fmt::Debug for NewIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_none() { "random" } else { "by the program" })
    }
}

/// An id that prints only its first digits.
pub(super) struct Short(SessionId);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.0.shown())
    }
}

/// Shortens each id in an error: what a store says names the key, or the file of that name.
pub(super) fn shortened(error: Error) -> Error {
    error.rewritten(shorten)
}

/// Shortens all ids in a text; `None` if there is none.
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

/// Parses 32 lower-case hexadecimal digits and nothing else, so that no other text becomes a key or a file
/// name.
///
/// A well-formed id need not exist, nor belong to the visitor who sent it. Cookies of visitors go through
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

/// Prints only the first digits, because this form gets into logs; `Display` prints all of them.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.short(), f)
    }
}

/// What is signed in a cookie: an id, and if the cookie runs out, when it was sent.
pub(super) mod ticket {
    use super::{SessionId, Timestamp};

    /// Reads `id`, or `id-68f0a1b2`: seconds since 1970 in hex.
    pub(in super::super) fn read(text: &str) -> Option<(SessionId, Option<Timestamp>)> {
        if text.len() == SessionId::LENGTH {
            return Some((text.parse().ok()?, None));
        }
        match text.split_once('-') {
            None => Some((text.parse().ok()?, None)),
            Some((id, sent)) => {
                let seconds = u64::from_str_radix(sent, 16).ok()?;
                let sent = Timestamp::from_micros(seconds.checked_mul(1_000_000)?);
                Some((id.parse().ok()?, Some(sent)))
            }
        }
    }

    /// Writes what [`read`] reads.
    pub(in super::super) fn write(id: &SessionId, sent: Option<Timestamp>) -> String {
        match sent {
            None => id.to_string(),
            Some(sent) => format!("{id}-{:x}", sent.as_micros() / 1_000_000),
        }
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

    #[test]
    fn tickets() {
        let id = SessionId::random();
        for sent in [None, Some(Timestamp::from_micros(1_700_000_000_000_000))] {
            assert_eq!(ticket::read(&ticket::write(&id, sent)), Some((id, sent)));
        }
        for wrong in ["", "-", "x-1", &format!("{id}-"), &format!("{id}-xyz"), &format!("{id}-1-2")]
        {
            assert_eq!(ticket::read(wrong), None, "{wrong}");
        }
        assert_eq!(ticket::read(&format!("{id}-{:x}", u64::MAX)), None);
    }
}
