//! Flash messages: texts that are shown once, on the next page that the visitor sees.
//!
//! Each message has its own number, so that taking messages removes exactly those that were shown: a message
//! that another request has added meanwhile stays.

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

/// A message for the next page that the visitor sees: an item of the result of
/// [`SessionState::take_flashes`].
///
/// It can be serialized, so templates see a structure with `kind` and `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    kind: String,
    text: String,
}

impl Flash {
    /// Returns the kind of the message, such as `success` or `error`; often it serves as a CSS class.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the text of the message. It is not escaped, so a template has to escape it.
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

/// Flash messages.
impl SessionState {
    /// Adds a message for the next page that the visitor sees, such as the target of a form's redirect. The
    /// kind may be any text. The message is stored with the next save, under the key `_flash`. If more than
    /// 100 messages are not taken, the oldest are dropped.
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

    /// Returns the messages to be shown, oldest first, and removes them from the session. If there are none,
    /// nothing changes and nothing needs saving.
    ///
    /// The next save removes the returned messages from the store, and only these: a message that another
    /// request adds at the same time stays for the following page. Two pages that load at the same time may
    /// both show the same message, but none is lost.
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
