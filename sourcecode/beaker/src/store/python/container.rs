//! What is around the text of a session: a pickled text in redis, and a pickled dictionary with the entry
//! `session` in a file and in a row.

use crate::pickle::{self, NodeId, Pickle};

/// The entry of a dictionary that has the session.
const ENTRY: &str = "session";

/// What a container holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    Text(String),
    /// A dictionary without a session.
    Nothing,
    /// Something else, and why it is no session.
    Unreadable(String),
}

/// Reads a pickled text, or returns why it is none.
#[cfg(any(feature = "redis", test))]
pub(super) fn read_text(bytes: &[u8]) -> Result<String, String> {
    pickle::read_text(bytes).ok_or_else(|| match Pickle::read(bytes) {
        Ok(_) => "it is the pickle of something else than a text".into(),
        Err(refused) => refused.to_string(),
    })
}

/// Pickles a text as Python does by default.
#[cfg(any(feature = "redis", test))]
pub(super) fn write_text(text: &str) -> Vec<u8> {
    pickle::write_text(text)
}

/// Reads a pickled dictionary.
pub(super) fn read_dictionary(bytes: &[u8]) -> Held {
    // Whatever Beaker has written is one entry.
    if let Some(text) = pickle::read_entry(bytes, ENTRY) {
        return Held::Text(text);
    }
    let pickle = match Pickle::read(bytes) {
        Ok(pickle) => pickle,
        Err(refused) => return Held::Unreadable(refused.to_string()),
    };
    let dictionary = pickle.root();
    if pickle.entries(dictionary).is_none() {
        return Held::Unreadable("it is the pickle of something else than a dictionary".into());
    }
    let Some(session) = pickle.entry(dictionary, ENTRY) else { return Held::Nothing };
    match pickle.text(session) {
        Some(text) => Held::Text(text.to_owned()),
        None => Held::Unreadable(
            "its entry `session` is no text, as Beaker up to version 1.11 wrote it".into(),
        ),
    }
}

/// Pickles a dictionary with the session. The other entries of the dictionary that was there stay.
pub(super) fn write_dictionary(before: Option<&[u8]>, text: &str, protocol: u8) -> Vec<u8> {
    let Some((mut pickle, mut entries)) = before.and_then(others) else {
        return pickle::write_entry(ENTRY, text, protocol);
    };
    entries.push((pickle.add_text(ENTRY), pickle.add_text(text)));
    let root = pickle.add_dict(entries);
    pickle.set_root(root);
    pickle.write(protocol)
}

/// Pickles the dictionary without the session; `None` if nothing is left.
pub(super) fn without_session(before: &[u8], protocol: u8) -> Option<Vec<u8>> {
    let (mut pickle, entries) = others(before)?;
    let root = pickle.add_dict(entries);
    pickle.set_root(root);
    Some(pickle.write(protocol))
}

/// The entries of a dictionary.
type Entries = Vec<(NodeId, NodeId)>;

/// Returns the entries beside the session, if there are any.
fn others(bytes: &[u8]) -> Option<(Pickle, Entries)> {
    let pickle = Pickle::read(bytes).ok()?;
    let mut entries = pickle.entries(pickle.root())?;
    entries.retain(|(key, _)| pickle.text(*key) != Some(ENTRY));
    (!entries.is_empty()).then_some((pickle, entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    /// Written by Python 3.11, `pickle.dumps({'a': {1, 2}, 'session': 'text', b'k': 1.5})`.
    const MIXED: &str = "8004952f000000000000007d94288c0161948f94284b014b02908c0773657373696f6e94\
                         8c04746578749443016b94473ff8000000000000752e";

    fn mixed() -> Vec<u8> {
        unhex(MIXED)
    }

    #[test]
    fn other_entries_stay() {
        assert_eq!(read_dictionary(&mixed()), Held::Text("text".into()));
        let written = write_dictionary(Some(&mixed()), "new", 4);
        assert_eq!(read_dictionary(&written), Held::Text("new".into()));
        let left = without_session(&written, 4).unwrap();
        assert_eq!(read_dictionary(&left), Held::Nothing);
        let (pickle, entries) = others(&left).unwrap();
        assert_eq!((entries.len(), pickle.text(entries[0].0)), (2, Some("a")));
        assert_eq!(others(&mixed()).unwrap().1.len(), 2);
        // It is added where there was none.
        let added = write_dictionary(Some(&left), "again", 5);
        assert_eq!(read_dictionary(&added), Held::Text("again".into()));
        assert_eq!(others(&added).unwrap().1.len(), 2);
    }

    #[test]
    fn what_is_no_session_says_why() {
        let refused = |held| match held {
            Held::Unreadable(why) => why,
            held => panic!("{held:?}"),
        };
        // {}, {'session': {}}, 'text', and none of Python's.
        assert_eq!(read_dictionary(&unhex("80047d942e")), Held::Nothing);
        let old = refused(read_dictionary(&unhex("80047d948c0773657373696f6e947d94732e")));
        assert!(old.contains("1.11"), "{old}");
        let text = unhex("80048c0474657874942e");
        assert!(refused(read_dictionary(&text)).contains("than a dictionary"));
        for bytes in [&b""[..], b"text", b"BKF1", &[0xff; 100], &mixed()[..40]] {
            assert!(refused(read_dictionary(bytes)).contains("refused"), "{bytes:?}");
            #[cfg(feature = "redis")]
            assert!(read_text(bytes).unwrap_err().contains("refused"), "{bytes:?}");
        }
        #[cfg(feature = "redis")]
        {
            assert_eq!(read_text(&text).as_deref(), Ok("text"));
            assert!(read_text(&mixed()).unwrap_err().contains("than a text"));
        }
    }
}
