//! A cluster's slots: which key is in which, and which master has which, as the servers tell it.

use std::sync::Arc;

use redis::Value;

/// How many there are.
pub(super) const SLOTS: u16 = 16_384;

/// The slot of a key: its CRC-16 (XMODEM). Our keys have no braces, so all of the key counts.
pub(super) fn slot(key: &str) -> u16 {
    let step = |crc: u16, byte: u8| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    };
    key.bytes().fold(0, step) % SLOTS
}

/// The slots from the first to the last, and where their master is: `host:port`.
pub(super) struct Range {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) master: String,
}

impl Range {
    /// Reads the answer to `CLUSTER SLOTS`; `None` if it is not one.
    pub(super) fn read_all(answer: &Value) -> Option<Vec<Range>> {
        let Value::Array(ranges) = answer else { return None };
        ranges.iter().map(Range::read).collect()
    }

    fn read(range: &Value) -> Option<Range> {
        let Value::Array(parts) = range else { return None };
        // The replicas follow the master.
        let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = parts.as_slice()
        else {
            return None;
        };
        let (host, port) = match master.as_slice() {
            [Value::BulkString(host), Value::Int(port), ..] => (host.as_slice(), port),
            [Value::Nil, Value::Int(port), ..] => (b"".as_slice(), port),
            _ => return None,
        };
        let host = std::str::from_utf8(host).ok()?;
        let (first, last) = (u16::try_from(*first).ok()?, u16::try_from(*last).ok()?);
        let fits = first <= last && last < SLOTS;
        fits.then(|| Range { first, last, master: format!("{host}:{port}") })
    }
}

/// What has a name: a server, `host:port`.
pub(super) trait Named {
    fn name(&self) -> &str;
}

/// All ranges in order.
pub(super) struct Map<S> {
    ranges: Vec<(u16, u16, Arc<S>)>,
    /// A server said that it is not so any more.
    pub(super) is_old: bool,
}

/// Knows of no master.
impl<S> Default for Map<S> {
    fn default() -> Map<S> {
        Map { ranges: Vec::new(), is_old: false }
    }
}

impl<S: Named> Map<S> {
    pub(super) fn new(mut ranges: Vec<(u16, u16, Arc<S>)>) -> Map<S> {
        ranges.sort_by_key(|(first, ..)| *first);
        Map { ranges, is_old: false }
    }

    pub(super) fn master_of(&self, slot: u16) -> Option<Arc<S>> {
        let after = self.ranges.partition_point(|(first, ..)| *first <= slot);
        let (_, last, server) = self.ranges.get(after.checked_sub(1)?)?;
        (slot <= *last).then(|| Arc::clone(server))
    }

    /// Whether every slot has a master.
    pub(super) fn is_whole(&self) -> bool {
        let covered = |(first, last, _): &(u16, u16, _)| usize::from(last - first) + 1;
        self.ranges.iter().map(covered).sum::<usize>() == usize::from(SLOTS)
    }

    /// Each master once.
    pub(super) fn masters(&self) -> Vec<Arc<S>> {
        let mut masters: Vec<Arc<S>> = Vec::new();
        for (.., server) in &self.ranges {
            if !masters.iter().any(|known| known.name() == server.name()) {
                masters.push(Arc::clone(server));
            }
        }
        masters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_servers() {
        // From `CLUSTER KEYSLOT`.
        assert_eq!(slot("123456789"), 12739);
        assert_eq!(slot("foo"), 12182);
        assert_eq!(slot(""), 0);
    }
}
