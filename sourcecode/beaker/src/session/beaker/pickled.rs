//! A session with `data_serializer = pickle`, which is Beaker's default: a dictionary in a pickle. It stays
//! the graph that was read, so that entries that nobody changed go back as Python wrote them, and objects
//! that two entries share are still shared.

use std::collections::HashSet;
use std::sync::Arc;

use super::{ACCESSED, CREATED, DOMAIN, Decoded, ID, PATH, RESERVED, Written, moment, seconds};
use crate::error::{Error, ErrorKind, Result};
use crate::pickle::{Limits, NodeId, Pickle};
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
            let what = format!("the session's pickle takes {} bytes, and {most} are read again", bytes.len());
            return Err(Error::new(ErrorKind::TooLarge, what + "; keep less in the session"));
        }
        Ok(bytes)
    }
}
