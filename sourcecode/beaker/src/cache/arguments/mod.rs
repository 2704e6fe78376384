//! Cache keys: values that can be a key or a part of one ([`KeyPart`]), and keys that are composed of
//! arguments ([`ArgumentKey`]).
//!
//! ```
//! use beaker::Backend;
//! use beaker::cache::{ArgumentKey, Cache};
//!
//! # fn main() -> beaker::Result<()> {
//! let cache = Cache::new(Backend::memory(), "drivers");
//! let key = |team: &str, season: u32| ArgumentKey::new("drivers").with(team).with(&season);
//! cache.put(key("Ferrari", 2007), 2_u8)?;
//! assert_eq!(cache.get(key("Ferrari", 2007))?, Some(2));
//! assert_ne!(key("Ferrari 2", 7).as_ref(), key("Ferrari", 27).as_ref());
//! # Ok(())
//! # }
//! ```

mod parts;
mod whole;

use std::fmt;
use std::hash::{Hash, Hasher};

pub(super) use whole::{WholeKey, whole_keys};

/// Makes a value usable as the key of a cache, or as a part of one. Texts, bytes, numbers, tuples and
/// collections implement this trait. For your own types, use `#[derive(KeyPart)]` (feature `macros`), which
/// combines the fields, or implement it by hand:
///
/// ```
/// use beaker::cache::{ArgumentKey, KeyPart};
///
/// struct Lap { driver: String, number: u16 }
///
/// impl KeyPart for Lap {
///     fn append(&self, key: &mut ArgumentKey) {
///         self.driver.append(key);
///         self.number.append(key);
///     }
/// }
/// ```
///
/// # The contract
///
/// Values that are not equal must append different bytes. The bytes of one value must never be the
/// beginning of the bytes of another, so that it is clear where the next part begins. A composed value
/// keeps both promises if all its parts do, and if it always appends the same number of parts.
///
/// # As a whole key
///
/// A text, bytes or an [`ArgumentKey`] is used as a key unchanged, and a lookup does not copy it. The key
/// of any other value is composed of its parts, after a byte that cannot occur in a text. Therefore
/// `7_u32`, `7_u64`, `"7"` and `("7",)` are four different keys, and the key of a number never equals a
/// text. Keys of raw bytes have no such protection: if a cache also has other keys, put a prefix before the
/// bytes.
///
/// ```
/// use beaker::Cache;
///
/// # fn main() -> beaker::Result<()> {
/// let cache: Cache<&str> = Cache::in_memory(10);
/// cache.put(7_u32, "Kimi")?;
/// cache.put(("Ferrari", 2007), "Kimi and Felipe")?;
/// assert_eq!(cache.get(7_u32)?, Some("Kimi"));
/// assert_eq!(cache.get("7")?, None);
/// # Ok(())
/// # }
/// ```
///
/// A borrowed value and an owned one append the same bytes: `&str` and `String`, slices and `Vec`s.
/// `HashMap` and `HashSet` do not implement the trait, because their order differs from process to process.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a cache's key, or a part of one",
    label = "not a `KeyPart`",
    note = "if the result does not depend on this argument, leave it out: `#[cached(skip(argument))]`",
    note = "if it does, put `#[derive(beaker::cache::KeyPart)]` on `{Self}`, or say what the key is made of: `#[cached(key = (argument.id, other))]`"
)]
pub trait KeyPart {
    /// Appends the bytes of this value to the key.
    fn append(&self, key: &mut ArgumentKey);

    /// Returns the bytes that form a key without a change, or `None` if the key has to be composed.
    #[doc(hidden)]
    fn as_whole(&self) -> Option<&[u8]> {
        None
    }

    /// Returns the bytes of a list that form a key without a change.
    #[doc(hidden)]
    fn list_as_whole(parts: &[Self]) -> Option<&[u8]>
    where
        Self: Sized,
    {
        let _ = parts;
        None
    }

    /// Appends a list of values to the key.
    #[doc(hidden)]
    fn append_list(parts: &[Self], key: &mut ArgumentKey)
    where
        Self: Sized,
    {
        key.begin(tag::LIST, parts.len());
        parts.iter().for_each(|part| part.append(key));
    }
}

/// Holds a key that is composed of a name and of arguments. Each part is stored with its type and, where
/// needed, its length, so that different lists of arguments always give different keys. Keys of up to 64
/// bytes need no allocation.
#[derive(Clone, Default)]
#[must_use]
pub struct ArgumentKey(Buffer);

impl ArgumentKey {
    /// Creates a key that begins with this name: usually the name of the function whose arguments follow.
    #[inline]
    pub fn new(name: &str) -> ArgumentKey {
        let mut key = ArgumentKey::default();
        name.append(&mut key);
        key
    }

    /// Appends another part.
    #[inline]
    pub fn with<P: KeyPart + ?Sized>(mut self, part: &P) -> ArgumentKey {
        part.append(&mut self);
        self
    }

    /// Appends a tag and bytes, whose number is the same for all values of the type.
    #[inline]
    fn fixed<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) {
        // Done at once, because each growth checks the room.
        if N < 8 {
            let mut both = [tag; 8];
            both[1..=N].copy_from_slice(&bytes);
            return self.0.extend_fixed(both, N + 1);
        }
        let mut both = [tag; 17];
        both[1..=N].copy_from_slice(&bytes);
        self.0.extend(&both[..=N]);
    }

    /// Appends a tag, and how many bytes or parts follow.
    #[inline]
    fn begin(&mut self, tag: u8, many: usize) {
        match u8::try_from(many) {
            Ok(few @ ..=254) => self.0.extend(&[tag, few]),
            _ => self.begin_long(tag, many),
        }
    }

    #[cold]
    fn begin_long(&mut self, tag: u8, many: usize) {
        self.0.extend(&[tag, 255]);
        self.0.extend(&(many as u64).to_le_bytes());
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }
}

impl AsRef<[u8]> for ArgumentKey {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// As a whole key, it is used unchanged; as a part, it counts as bytes.
impl KeyPart for ArgumentKey {
    fn append(&self, key: &mut ArgumentKey) {
        self.as_ref().append(key);
    }

    #[inline]
    fn as_whole(&self) -> Option<&[u8]> {
        Some(self.as_ref())
    }
}

/// Creates a key of these bytes alone, for a cache whose keys are all created this way.
impl From<&[u8]> for ArgumentKey {
    fn from(bytes: &[u8]) -> ArgumentKey {
        let mut key = ArgumentKey::default();
        key.bytes(bytes);
        key
    }
}

impl PartialEq for ArgumentKey {
    fn eq(&self, other: &ArgumentKey) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for ArgumentKey {}

impl Hash for ArgumentKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}

/// Shows the bytes as error messages show them.
impl fmt::Debug for ArgumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.as_ref().escape_ascii())
    }
}

/// The first byte of each part, which encodes its type. The values are stored, so they never change.
mod tag {
    pub(super) const UNIT: u8 = b'(';
    pub(super) const TUPLE: u8 = b')';
    pub(super) const FALSE: u8 = b'-';
    pub(super) const TRUE: u8 = b'+';
    pub(super) const CHAR: u8 = b'c';
    pub(super) const TEXT: u8 = b's';
    pub(super) const BYTES: u8 = b'b';
    pub(super) const PATH: u8 = b'/';
    pub(super) const LIST: u8 = b'[';
    pub(super) const MAP: u8 = b'{';
    pub(super) const NOTHING: u8 = b'?';
    pub(super) const SOMETHING: u8 = b'!';
    pub(super) const DURATION: u8 = b'~';
    pub(super) const IP_V4: u8 = b'4';
    pub(super) const IP_V6: u8 = b'6';

    pub(super) const U8: u8 = b'A';
    pub(super) const U16: u8 = b'B';
    pub(super) const U32: u8 = b'C';
    pub(super) const U64: u8 = b'D';
    pub(super) const U128: u8 = b'E';
    pub(super) const USIZE: u8 = b'F';
    pub(super) const I8: u8 = b'H';
    pub(super) const I16: u8 = b'I';
    pub(super) const I32: u8 = b'J';
    pub(super) const I64: u8 = b'K';
    pub(super) const I128: u8 = b'L';
    pub(super) const ISIZE: u8 = b'M';
    pub(super) const F32: u8 = b'P';
    pub(super) const F64: u8 = b'Q';
}

const ROOM: usize = 64;

/// Bytes that stay on the stack while they are few.
///
/// A key is composed for each call, also for a hit, and most keys are short. A part with a fixed length,
/// such as a number or the name of the function, is therefore written in one go. `SmallVec` calls a
/// function for each part: with it, the key of one number took 19 ns instead of 2 ns.
#[derive(Clone)]
struct Buffer {
    room: [u8; ROOM],
    /// Larger than the array if all bytes are in `long`.
    used: usize,
    long: Vec<u8>,
}

impl Default for Buffer {
    #[inline]
    fn default() -> Buffer {
        Buffer { room: [0; ROOM], used: 0, long: Vec::new() }
    }
}

impl Buffer {
    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        let end = self.used + bytes.len();
        match self.room.get_mut(self.used..end) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.used = end;
            }
            None => self.extend_long(bytes),
        }
    }

    /// Writes the first `many` of these bytes, where there is room for all of them: one instruction writes
    /// them, and so a read that begins elsewhere need not wait.
    #[inline]
    fn extend_fixed<const N: usize>(&mut self, bytes: [u8; N], many: usize) {
        match self.room.get_mut(self.used..self.used + N) {
            Some(place) => {
                place.copy_from_slice(&bytes);
                self.used += many;
            }
            None => self.extend(&bytes[..many]),
        }
    }

    #[cold]
    #[inline(never)]
    fn extend_long(&mut self, bytes: &[u8]) {
        if let Some(short) = self.room.get(..self.used) {
            self.long.extend_from_slice(short);
            self.used = ROOM + 1;
        }
        self.long.extend_from_slice(bytes);
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.room.get(..self.used).unwrap_or(&self.long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_wherever_they_are() {
        for sizes in [[0, 0, 0], [63, 1, 0], [63, 1, 1], [64, 0, 9], [65, 0, 3], [10, 90, 200]] {
            let (mut buffer, mut wanted) = (Buffer::default(), Vec::new());
            for (byte, size) in (1..).zip(sizes) {
                buffer.extend(&vec![byte; size]);
                wanted.extend(vec![byte; size]);
                assert_eq!(buffer.bytes(), wanted, "{sizes:?}");
            }
        }
    }
}
