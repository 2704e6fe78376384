//! [`WholeKey`]: the bytes of a key, borrowed from the caller where possible.

use std::borrow::Cow;

use super::{ArgumentKey, KeyPart};

/// Precedes the parts of a key that is not a text. No text contains this byte.
const PUT_TOGETHER: u8 = 0xff;

/// The bytes of a key. A text is not copied, and a key of few and short parts needs no allocation.
#[allow(clippy::large_enum_variant, reason = "a box would be an allocation for each number")]
pub(in crate::cache) enum WholeKey<'a> {
    Lent(&'a [u8]),
    Made(ArgumentKey),
}

impl<'a> WholeKey<'a> {
    /// The type decides which kind it is, so the compiler removes the other one.
    #[inline(always)]
    pub(in crate::cache) fn of<K: KeyPart + ?Sized>(key: &'a K) -> WholeKey<'a> {
        match key.as_whole() {
            Some(bytes) => WholeKey::Lent(bytes),
            None => WholeKey::Made(put_together(key)),
        }
    }
}

impl AsRef<[u8]> for WholeKey<'_> {
    #[inline(always)]
    fn as_ref(&self) -> &[u8] {
        match self {
            WholeKey::Lent(bytes) => bytes,
            WholeKey::Made(key) => key.as_ref(),
        }
    }
}

#[inline]
fn put_together<K: KeyPart + ?Sized>(key: &K) -> ArgumentKey {
    let mut whole = ArgumentKey::default();
    whole.bytes(&[PUT_TOGETHER]);
    key.append(&mut whole);
    whole
}

/// Returns the bytes of many keys, in their order.
pub(in crate::cache) fn whole_keys<K: KeyPart>(keys: &[K]) -> Vec<Cow<'_, [u8]>> {
    let whole = |key| match WholeKey::of(key) {
        WholeKey::Lent(bytes) => Cow::Borrowed(bytes),
        WholeKey::Made(key) => Cow::Owned(key.as_ref().to_vec()),
    };
    keys.iter().map(whole).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn is_lent<K: KeyPart>(key: K) -> bool {
        matches!(WholeKey::of(&key), WholeKey::Lent(_))
    }

    #[test]
    fn texts_and_bytes_are_lent() {
        assert!(is_lent("a") && is_lent("a".to_owned()) && is_lent(Box::<str>::from("a")));
        assert!(is_lent(b"a") && is_lent(vec![1_u8]) && is_lent(&[1_u8][..]));
        assert!(is_lent(Arc::<str>::from("a")) && is_lent(Cow::Borrowed("a")));
        assert!(is_lent(ArgumentKey::new("a")));
        assert!(!is_lent(1_u8) && !is_lent(("a",)) && !is_lent(vec![1_u16]) && !is_lent(Some("a")));
    }

    #[test]
    fn no_text_is_another_ones_key() {
        let made = |key: WholeKey<'_>| key.as_ref().to_vec();
        let all =
            [made(WholeKey::of(&7_u32)), made(WholeKey::of(&7_u64)), made(WholeKey::of(&("7",)))];
        for (at, one) in all.iter().enumerate() {
            assert!(str::from_utf8(one).is_err(), "{one:?}");
            assert!(all[..at].iter().all(|other| other != one));
        }
        let part = ArgumentKey::default().with(&ArgumentKey::new("a")).with("b");
        assert_ne!(part, ArgumentKey::new("a").with("b"));
    }
}
