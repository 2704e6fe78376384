//! A session with `data_serializer = pickle`, which is Beaker's default: a dictionary in a pickle. It stays
//! the graph that was read, so that entries that nobody changed go back as Python wrote them, and objects
//! that two entries share are still shared.

use std::collections::HashSet;
use std::sync::Arc;

use super::{ACCESSED, CREATED, DOMAIN, Decoded, ID, PATH, RESERVED, Written, moment, seconds};
use crate::error::{Error, ErrorKind, Result};
use crate::pickle::{Limits, Node, NodeId, Pickle};
use crate::session::kept::{Kept, Unreadable};
use crate::value::{Value, Values};

/// Every Python 3 that Beaker runs on reads it.
const PROTOCOL: u8 = 4;

pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let pickle = Pickle::read(bytes).map_err(|refused| refused.to_string())?;
    let entries = pickle.entries(pickle.root()).ok_or("the pickle is no dictionary")?;
    let (mut values, mut own) = (Values::new(), [const { None }; RESERVED.len()]);
    let mut unreadable = Vec::new();
    for (key, value) in entries {
        let read = pickle.value(value);
        match (pickle.text(key), read) {
            (Some(key), read) if RESERVED.contains(&key) => {
                let place = RESERVED.iter().position(|reserved| *reserved == key);
                own[place.unwrap_or_default()] = read.ok();
            }
            (Some(key), Ok(value)) => drop(values.insert(key.to_owned(), value)),
            (text, read) => {
                let why = read.err().unwrap_or_else(|| "its key is no text".into());
                unreadable.push(Unreadable {
                    quoted: described(&pickle, key),
                    key: text.map(str::to_owned),
                    text: described(&pickle, value),
                    why,
                });
            }
        }
    }
    let kept = Kept { unreadable, place: None, graph: Some(Arc::new(pickle)) };
    let [_, _, id, created, accessed] = own;
    let id = id.and_then(|id: Value| id.as_str()?.parse().ok());
    let moment = |seconds: Option<Value>| moment(&seconds?);
    let (created, accessed) = (moment(created), moment(accessed));
    Ok(Decoded { id, created, accessed, values, kept })
}

pub(super) fn encode(written: &Written<'_>) -> Result<Vec<u8>> {
    let Written { id, cookie, data, kept, note } = written;
    let mut session = match &kept.graph {
        Some(graph) => Session::again(Pickle::clone(graph), &data.values, kept, id.is_some())?,
        None => Session::default(),
    };
    let domain = cookie.get_domain().map_or(Value::Null, Value::from);
    session.set_missing(DOMAIN, &domain)?;
    session.set_missing(PATH, &cookie.get_path().into())?;
    if let Some(id) = id {
        session.set_missing(ID, &id.as_str().into())?;
    }
    for (key, value) in &data.values {
        session.set_missing(key, value)?;
    }
    if let Some((key, text)) = note {
        session.set_missing(key, &text.as_str().into())?;
    }
    session.set_missing(CREATED, &seconds(data.created).into())?;
    session.set_missing(ACCESSED, &seconds(data.accessed).into())?;
    session.write()
}

/// A dictionary that is being filled.
#[derive(Default)]
struct Session {
    pickle: Pickle,
    entries: Vec<(NodeId, NodeId)>,
    keys: HashSet<String>,
}

impl Session {
    /// Begins with what was read and is still there: as it was, or with its new value in its old place.
    fn again(pickle: Pickle, values: &Values, kept: &Kept, is_in_cookie: bool) -> Result<Session> {
        let former = pickle.entries(pickle.root()).unwrap_or_default();
        let mut session = Session { pickle, ..Session::default() };
        let keeps_what_is_no_text = kept.unreadable.iter().any(|entry| entry.key.is_none());
        for (key, value) in former {
            let text = session.pickle.text(key).map(str::to_owned);
            let value = match text.as_deref() {
                None => keeps_what_is_no_text.then_some(value),
                Some(DOMAIN | PATH) => (!is_in_cookie).then_some(value),
                Some(ID | CREATED | ACCESSED) => None,
                Some(text) => match values.get(text) {
                    Some(new) => {
                        let is_same = session.pickle.value(value).is_ok_and(|old| old.is_same(new));
                        Some(if is_same { value } else { session.add(text, new)? })
                    }
                    None => kept.unreadable.iter().any(|it| it.has_key(text)).then_some(value),
                },
            };
            if let Some(value) = value {
                session.entries.push((key, value));
                session.keys.extend(text);
            }
        }
        Ok(session)
    }

    fn set_missing(&mut self, key: &str, value: &Value) -> Result<()> {
        if !self.keys.contains(key) {
            let value = self.add(key, value)?;
            let key = self.add(key, &key.into())?;
            self.entries.push((key, value));
        }
        Ok(())
    }

    fn add(&mut self, key: &str, value: &Value) -> Result<NodeId> {
        self.pickle.add(value).map_err(|too_deep| {
            Error::codec(format!("could not encode the session's `{key}`: {too_deep}"))
        })
    }

    fn write(mut self) -> Result<Vec<u8>> {
        let root = self.pickle.add_dict(self.entries);
        self.pickle.set_root(root);
        let bytes = self.pickle.write(PROTOCOL);
        let most = Limits::default().bytes;
        if bytes.len() > most {
            let what = format!(
                "the session's pickle takes {} bytes, and {most} are read again",
                bytes.len()
            );
            return Err(Error::new(ErrorKind::TooLarge, what + "; keep less in the session"));
        }
        Ok(bytes)
    }
}

/// Returns what messages show of a node.
fn described(pickle: &Pickle, node: NodeId) -> String {
    match pickle.node(node) {
        Node::Text(text) => text.to_string(),
        Node::None => "None".to_owned(),
        Node::Int(number) => number.to_string(),
        Node::Digits(digits) => digits.to_string(),
        Node::Tuple(_) => "(…)".to_owned(),
        Node::List(_) => "[…]".to_owned(),
        Node::Dict(_) | Node::Set(_) => "{…}".to_owned(),
        Node::Object(object) => {
            let called = pickle.called(&object.call);
            format!("{}(…)", called.as_deref().unwrap_or("…"))
        }
        _ => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::CookieOptions;
    use crate::session::stored::SessionData;

    /// What Beaker 1.14.1 makes of `user='ada'` and `n=7`.
    const BEAKERS: &str = "80027d71002858070000005f646f6d61696e71014e58050000005f70617468710258010000002f7103580e0000005f61636365737365645f74696d6571044741d954fc40100000580e0000005f6372656174696f6e5f74696d6571054741d954fc4010000058040000007573657271065803000000616461710758010000006e71084b07752e";

    /// The keys `date` and `n`, the first with `datetime.date(2023, 11, 14)`, and `5: 'five'`.
    const WITH_A_DATE: &[u8] =
        b"\x80\x04}(X\x04\0\0\0datecdatetime\ndate\nC\x04\x07\xe7\x0b\x0e\x85RX\x01\0\0\0nK\x07K\x05X\x04\0\0\0fiveu.";

    fn again(decoded: &Decoded) -> Vec<u8> {
        let at = decoded.created.unwrap_or(crate::clock::Timestamp::from_micros(0));
        let data = SessionData { created: at, accessed: at, values: decoded.values.clone() };
        let (cookie, kept) = (&CookieOptions::default(), &decoded.kept);
        encode(&Written { id: None, cookie, data: &data, kept, note: None }).unwrap()
    }

    fn keys(pickle: &[u8]) -> Vec<String> {
        let pickle = Pickle::read(pickle).unwrap();
        let entries = pickle.entries(pickle.root()).unwrap();
        entries.into_iter().map(|(key, _)| described(&pickle, key)).collect()
    }

    #[test]
    fn reads_what_beaker_wrote_and_writes_it_back() {
        let decoded = decode(&data_encoding::HEXLOWER.decode(BEAKERS.as_bytes()).unwrap()).unwrap();
        let values = [("user".to_owned(), "ada".into()), ("n".to_owned(), 7.into())];
        assert_eq!(decoded.values, values.into());
        assert_eq!(decoded.created.unwrap().as_micros(), 1_700_000_000_250_000);
        let again = again(&decoded);
        assert_eq!(
            keys(&again),
            ["_domain", "_path", "user", "n", "_creation_time", "_accessed_time"]
        );
        assert_eq!(decode(&again).unwrap().values, decoded.values);
    }

    #[test]
    fn what_no_value_can_hold_is_kept_until_it_is_replaced() {
        let mut decoded = decode(WITH_A_DATE).unwrap();
        let shown = decoded.kept.unreadable.iter().map(|it| (it.key(), it.text(), it.why()));
        let shown: Vec<_> = shown.collect();
        let date = ("date", "datetime.date(…)", "it is a Python `datetime.date`");
        assert_eq!(shown, [date, ("5", "five", "its key is no text")]);
        decoded.values.insert("n".into(), 8.into());
        let saved = again(&decoded);
        assert_eq!(keys(&saved)[..3], ["date", "n", "5"]);
        let read = decode(&saved).unwrap();
        assert_eq!((read.values, read.kept.unreadable.len()), (decoded.values.clone(), 2));
        // Now a value takes the place of the date.
        decoded.kept.unreadable.retain(|entry| !entry.has_key("date"));
        decoded.values.insert("date".into(), "2023-11-14".into());
        let read = decode(&again(&decoded)).unwrap();
        assert_eq!((read.values, read.kept.unreadable.len()), (decoded.values.clone(), 1));
        // And now everything is removed.
        decoded.kept.unreadable.clear();
        decoded.values.clear();
        let left = keys(&again(&decoded));
        assert!(left.iter().all(|key| key.starts_with('_')), "{left:?}");
    }

    #[test]
    fn what_is_no_dictionary_is_refused() {
        for (pickle, why) in [
            (&b"K\x07."[..], "no dictionary"),
            (b"", "refused"),
            (b"\xff", "refused"),
            (b"cos\nsystem\n.", "no dictionary"),
            (b"cos\nsystem\n(S'id'\ntR.", "no dictionary"),
        ] {
            let Err(reason) = decode(pickle) else { panic!("{} is read", pickle.escape_ascii()) };
            assert!(reason.contains(why), "{reason}");
        }
    }
}
