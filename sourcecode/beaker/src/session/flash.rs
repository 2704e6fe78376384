//! Flash messages: texts for the page that the visitor sees next, which are shown once.
//!
//! Each has a number of its own, so that taking them removes those that were shown and no others: a message
//! that somebody else has added meanwhile stays.

use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::handle::SessionState;
use super::id;
use crate::value::{List, Value};

/// Where a session keeps what is to be shown: a list of `[number, kind, text]`.
const FLASHES: &str = "_flash";

/// Nobody reads more than these: the oldest go first.
const MOST: usize = 100;

/// A message for the page that a visitor sees next: what [`SessionState::take_flashes`] gives.
///
/// Templates get it as a structure with `kind` and `text`, since it can be serialized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    kind: String,
    text: String,
}

impl Flash {
    /// Returns what kind of message it is, such as `success` or `error`: often a class of a style sheet.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the text to be shown. It is as it was given: a template has to escape it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Serialize for Flash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut flash = serializer.serialize_struct("Flash", 2)?;
        flash.serialize_field("kind", &self.kind)?;
        flash.serialize_field("text", &self.text)?;
        flash.end()
    }
}

/// Messages that are shown once.
impl SessionState {
    /// Adds a message for the page that the visitor sees next, such as the one that a form redirects to. Any text
    /// may say of which kind it is. It is there from the next save on, under the key `_flash`; of more than 100
    /// that nobody takes, the oldest go.
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.flash("success", "Your address is saved.");
    /// session.save()?;
    ///
    /// let mut next = sessions.open(session.id())?;
    /// for flash in next.take_flashes() {
    ///     println!("<p class={:?}>{}</p>", flash.kind(), flash.text());
    /// }
    /// next.save()?;
    /// assert!(sessions.open(session.id())?.take_flashes().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "message")]
    pub fn flash(&mut self, kind: impl Into<String>, text: impl Into<String>) {
        let number = i64::from_le_bytes(*id::nonce().first_chunk().unwrap_or(&[0; 8]));
        let entry =
            Value::from([number.into(), Value::Text(kind.into()), Value::Text(text.into())]);
        let added = move |old: Option<&Value>| {
            let old = old.and_then(Value::as_list).unwrap_or_default();
            let kept = &old[old.len().saturating_sub(MOST - 1)..];
            kept.iter().cloned().chain([entry.clone()]).collect::<Value>()
        };
        let value = added(self.get(FLASHES));
        let redo = Arc::new(move |old: Option<&Value>| Ok(Some(added(old))));
        self.changes.update(&mut self.data.values, FLASHES.to_owned(), Some(value), redo);
    }

    /// Returns the messages that are to be shown, oldest first, and removes them. Where there are none, nothing
    /// changes and there is nothing to save.
    ///
    /// They are gone with the next save. It removes those that this call has returned, and no others: a message that
    /// another request adds at the same time stays for the page after this one. Two pages that load at the
    /// same time may both show the same message; none is lost.
    ///
    /// ```
    /// let mut session = beaker::Sessions::new(beaker::Backend::memory()).create();
    /// session.flash("error", "This name is taken.");
    /// let texts: Vec<String> = session.take_flashes().iter().map(|it| it.text().into()).collect();
    /// assert_eq!(texts, ["This name is taken."]);
    /// assert!(session.take_flashes().is_empty());
    /// ```
    #[doc(alias = "messages")]
    pub fn take_flashes(&mut self) -> Vec<Flash> {
        let Some(entries) = self.get(FLASHES).and_then(Value::as_list) else { return Vec::new() };
        let (taken, flashes): (Vec<i64>, Vec<Flash>) = entries.iter().filter_map(read).unzip();
        let redo = move |old: Option<&Value>| {
            let old = old.and_then(Value::as_list).unwrap_or_default();
            let is_left =
                |entry: &&Value| read(entry).is_some_and(|(number, _)| !taken.contains(&number));
            let left: List = old.iter().filter(is_left).cloned().collect();
            Ok((!left.is_empty()).then_some(Value::List(left)))
        };
        self.changes.update(&mut self.data.values, FLASHES.to_owned(), None, Arc::new(redo));
        flashes
    }
}

/// Reads what [`SessionState::flash`] has written; `None` for anything else, which is dropped with the next taking.
fn read(entry: &Value) -> Option<(i64, Flash)> {
    let [number, kind, text] = entry.as_list()? else { return None };
    let flash = Flash { kind: kind.as_str()?.into(), text: text.as_str()?.into() };
    Some((number.as_int()?, flash))
}
