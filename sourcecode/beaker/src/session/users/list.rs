//! [`List`]: the record that lists the sessions of one user.

use std::collections::HashSet;

use crate::clock::Timestamp;
use crate::session::id::{Digits, SessionId};

/// An id's 32 digits, and 16 of the microseconds at which it was listed. The first of these is 0, or a sign
/// that the session is saved, which changes nothing for those who read a number.
const ENTRY: usize = 48;
const SAVED: u8 = b'+';

/// What the record begins with: how many may still be listed before it is looked through.
const DUE: &str = "due";

/// A session in the list: its id, and when it was listed. It is read when it is needed: most are only
/// carried along.
#[derive(Clone, Copy)]
pub(super) struct Entry([u8; ENTRY]);

impl Entry {
    pub(super) fn new(id: &SessionId, at: Timestamp) -> Entry {
        let mut entry = [b'0'; ENTRY];
        let text = format!("{id}{:016x}", at.as_micros());
        entry.copy_from_slice(text.as_bytes());
        Entry(entry)
    }

    pub(super) fn digits(&self) -> Digits {
        *self.0.first_chunk().unwrap_or(&[0; SessionId::LENGTH])
    }

    /// `None` if it is damaged.
    pub(super) fn id(&self) -> Option<SessionId> {
        str::from_utf8(&self.digits()).ok()?.parse().ok()
    }

    pub(super) fn is_saved(&self) -> bool {
        self.0[SessionId::LENGTH] == SAVED
    }

    pub(super) fn saved(mut self) -> Entry {
        self.0[SessionId::LENGTH] = SAVED;
        self
    }

    pub(super) fn at(&self) -> Timestamp {
        let digits = str::from_utf8(&self.0[SessionId::LENGTH..]).unwrap_or_default();
        Timestamp::from_micros(u64::from_str_radix(digits, 16).unwrap_or_default())
    }
}

/// Some ids, which are mostly none or few: then they are compared, and not hashed.
#[derive(Default)]
pub(super) struct Ids(HashSet<Digits>);

impl Ids {
    pub(super) fn extend(&mut self, ids: impl IntoIterator<Item = Digits>) {
        self.0.extend(ids);
    }

    pub(super) fn contains(&self, entry: &Entry) -> bool {
        let digits = entry.digits();
        match self.0.len() {
            0..4 => self.0.iter().any(|id| *id == digits),
            _ => self.0.contains(&digits),
        }
    }
}

/// The sessions of a user, oldest first.
#[derive(Default)]
pub(super) struct List {
    pub(super) entries: Vec<Entry>,
    /// How many sessions may still be added before the list is checked for ended ones.
    pub(super) due: usize,
    /// When the last of those ends that have a date of their own.
    pub(super) until: Option<Timestamp>,
}

impl List {
    /// What the record says; nothing of what is no entry in it.
    pub(super) fn read(bytes: &[u8]) -> List {
        let (entries, _) = bytes.as_chunks::<ENTRY>();
        let (due, until, entries) = match entries.split_first() {
            Some((first, rest)) if first.starts_with(DUE.as_bytes()) => {
                let numbers = str::from_utf8(&first[DUE.len()..]).unwrap_or_default();
                let mut numbers = numbers.split_ascii_whitespace();
                let due = numbers.next().and_then(|due| due.parse().ok()).unwrap_or_default();
                let until = numbers.next().and_then(|until| until.parse().ok());
                (due, until.map(Timestamp::from_micros), rest)
            }
            _ => (0, None, entries),
        };
        List { entries: entries.iter().copied().map(Entry).collect(), due, until }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        // The second number is none of a list that nobody's own date concerns.
        let until = self.until.map(|until| format!(" {:>21}", until.as_micros()));
        let until = until.unwrap_or_default();
        let width = ENTRY - DUE.len() - until.len();
        let mut bytes = format!("{DUE}{:>width$}{until}", self.due).into_bytes();
        bytes.reserve(self.entries.len() * ENTRY);
        self.entries.iter().for_each(|entry| bytes.extend(entry.0));
        bytes
    }

    pub(super) fn remove(&mut self, ids: &Ids) {
        if !ids.0.is_empty() {
            self.entries.retain(|entry| !ids.contains(entry));
        }
    }

    /// Notes that one of its sessions lasts until then.
    pub(super) fn lasts_until(&mut self, date: Option<Timestamp>) {
        self.until = self.until.max(date);
    }

    /// Notes that it was looked through, and when that is due again: when it is twice as long, so that each
    /// log-in pays for a few entries, and often enough for what has ended not to count as one of the
    /// `most`.
    pub(super) fn looked_through(&mut self, most: usize) {
        let room = most.saturating_sub(self.entries.len());
        self.due = self.entries.len().max(16).min(room.max(most / 8)).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let entries: Vec<Entry> = (0..3)
            .map(|number| Entry::new(&SessionId::random(), Timestamp::from_micros(number)))
            .collect();
        let entries: Vec<Entry> = [&entries[..], &[entries[0].saved()]].concat();
        assert_eq!(entries[3].at(), entries[0].at());
        let until = [None, Some(Timestamp::from_micros(9)), Some(Timestamp::from_micros(u64::MAX))];
        for until in until {
            let list = List { entries: entries.clone(), due: 17, until };
            let bytes = list.write();
            assert_eq!(bytes.len(), 5 * ENTRY);
            let read = List::read(&bytes);
            assert_eq!((read.due, read.until, read.entries.len()), (17, until, 4));
        }
        let list = List { entries: entries.clone(), due: 17, until: None };
        let read = List::read(&list.write());
        let told = |entry: &Entry| (entry.id(), entry.at(), entry.is_saved());
        assert!(read.entries.iter().map(told).eq(entries.iter().map(told)));
    }

    #[test]
    fn a_record_without_a_beginning_is_read_and_damaged_ones_do_no_harm() {
        let entry = Entry::new(&SessionId::random(), Timestamp::from_micros(5));
        let read = List::read(&entry.0);
        assert_eq!((read.due, read.entries.len(), read.entries[0].id()), (0, 1, entry.id()));
        for bytes in [&b""[..], b"due", &[0xff; 100], &[b'x'; 96]] {
            let read = List::read(bytes);
            assert!(
                read.entries
                    .iter()
                    .all(|entry| entry.id().is_none() && entry.at().as_micros() == 0)
            );
        }
    }

    #[test]
    fn it_is_looked_through_in_time() {
        for (length, most, due) in [
            (0, 1000, 16),
            (16, 1000, 16),
            (400, 1000, 400),
            (900, 1000, 125),
            (1000, 1000, 125),
            (1, 3, 2),
            (3, 3, 1),
        ] {
            let entry = Entry::new(&SessionId::random(), Timestamp::from_micros(5));
            let mut list = List { entries: vec![entry; length], ..List::default() };
            list.looked_through(most);
            assert_eq!(list.due, due, "{length} of {most}");
        }
    }
}
