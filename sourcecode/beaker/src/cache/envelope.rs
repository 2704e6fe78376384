//! A value as it stands in a store: a [record](crate::record), whose payload begins with where the making
//! stands among invalidations, what it took, and with the tags.
//!
//! | bytes of the payload | what |
//! |---|---|
//! | 0 to 15 | epoch and count of the cache's invalidations, from before the making |
//! | 16 to 31 | the same of the region; zeros where there is none |
//! | 32 to 35 | how long the making took: microseconds |
//! | 36 | how many tags |
//! | then, for each tag | 2 bytes: its length; then its text |
//! | the rest | the value, encoded |
//!
//! Numbers are little-endian.

use std::convert::Infallible;
use std::time::Duration;

use super::age::{Age, Origin};
use super::made::Tags;
use super::shared_invalidations::{Began, Generation};
use crate::clock::Timestamp;
use crate::codec::Codec;
use crate::error::{Error, Result};
use crate::record::{Header, Record};

/// In the place of a codec's tag: nothing is here, and what is being made is not to be kept.
const NOTHING: u8 = 0;

/// What a record holds.
pub(super) enum Content<V> {
    Value(V, Age),
    Nothing,
    /// Damaged, or of a codec or a type that is another one now.
    Damaged,
}

pub(super) fn write<V: 'static>(value: &V, age: &Age, codec: &dyn Codec<V>) -> Result<Vec<u8>> {
    let header =
        Header { codec: codec.tag(), stored_at: age.made_at, fresh_until: age.fresh_until };
    header.build(|bytes| {
        for Generation { epoch, count } in [age.origin.cache.generation, age.origin.region] {
            bytes.extend(epoch.to_le_bytes());
            bytes.extend(count.to_le_bytes());
        }
        let cost = u32::try_from(age.cost.as_micros()).unwrap_or(u32::MAX);
        bytes.extend(cost.to_le_bytes());
        let tags = age.tags.as_deref().unwrap_or_default();
        let too_many = || Error::config("a value has 255 tags of 65,535 bytes at most");
        bytes.push(u8::try_from(tags.len()).map_err(|_| too_many())?);
        for tag in tags {
            let length = u16::try_from(tag.len()).map_err(|_| too_many())?;
            bytes.extend(length.to_le_bytes());
            bytes.extend(tag.as_bytes());
        }
        codec.encode_into(value, bytes)
    })
}

pub(super) fn nothing(now: Timestamp) -> Vec<u8> {
    let header = Header { codec: NOTHING, stored_at: now, fresh_until: None };
    header.build(|_| Ok::<(), Infallible>(())).unwrap_or_else(|never| match never {})
}

pub(super) fn read<V: 'static>(bytes: &[u8], codec: &dyn Codec<V>) -> Content<V> {
    match Record::read(bytes) {
        Some(record) if record.header.codec == NOTHING => Content::Nothing,
        Some(record) if record.header.codec == codec.tag() => {
            let parts = || {
                let (cache, rest) = generation(record.payload)?;
                let (region, rest) = generation(rest)?;
                let (cost, tags, encoded) = parts(rest)?;
                let origin = Origin { local: 0, cache: Began::at(cache), region };
                let Header { stored_at, fresh_until, .. } = record.header;
                let age = Age { made_at: stored_at, origin, fresh_until, cost, tags };
                Some((codec.decode(encoded).ok()?, age))
            };
            parts().map_or(Content::Damaged, |(value, age)| Content::Value(value, age))
        }
        _ => Content::Damaged,
    }
}

fn generation(bytes: &[u8]) -> Option<(Generation, &[u8])> {
    let (epoch, rest) = bytes.split_first_chunk()?;
    let (count, rest) = rest.split_first_chunk()?;
    let [epoch, count] = [*epoch, *count].map(u64::from_le_bytes);
    Some((Generation { epoch, count }, rest))
}

fn parts(payload: &[u8]) -> Option<(Duration, Tags, &[u8])> {
    let (cost, rest) = payload.split_first_chunk::<4>()?;
    let cost = Duration::from_micros(u32::from_le_bytes(*cost).into());
    let (&count, mut rest) = rest.split_first()?;
    let mut tags: Vec<Box<str>> = Vec::new();
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (tag, after) = after.split_at_checked(u16::from_le_bytes(*length).into())?;
        tags.push(str::from_utf8(tag).ok()?.into());
        rest = after;
    }
    Some((cost, (count > 0).then(|| tags.into()), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Bincode, Json};

    fn age(tags: &[&str]) -> Age {
        let tags: Vec<Box<str>> = tags.iter().map(|tag| (*tag).into()).collect();
        Age {
            made_at: Timestamp::from_micros(5),
            origin: Origin {
                local: 0,
                cache: Began::at(Generation { epoch: u64::MAX, count: 3 }),
                region: Generation { epoch: 1, count: 0 },
            },
            fresh_until: Some(Timestamp::from_micros(9)),
            cost: Duration::from_millis(50),
            tags: (!tags.is_empty()).then(|| tags.into()),
        }
    }

    #[test]
    fn read_inverts_write() {
        for tags in [&[][..], &["a"], &["table:person", "", "España"]] {
            let bytes = write(&"Kimi".to_owned(), &age(tags), &Bincode).unwrap();
            let Content::Value(value, found) = read::<String>(&bytes, &Bincode) else {
                panic!("{tags:?}")
            };
            assert_eq!((value.as_str(), found), ("Kimi", age(tags)));
            assert!(matches!(read::<String>(&bytes, &Json), Content::Damaged));
            assert!(matches!(read::<Vec<u64>>(&bytes, &Bincode), Content::Damaged));
            for cut in 0..bytes.len() {
                assert!(matches!(read::<String>(&bytes[..cut], &Bincode), Content::Damaged));
            }
        }
        let nothing = nothing(Timestamp::from_micros(5));
        assert!(matches!(read::<String>(&nothing, &Bincode), Content::Nothing));
    }

    #[test]
    fn too_many_tags_are_an_error() {
        let many = vec!["t"; 256];
        assert!(write(&1, &age(&many), &Bincode).is_err());
        let long = "x".repeat(70_000);
        assert!(write(&1, &age(&[&long]), &Bincode).is_err());
    }
}
