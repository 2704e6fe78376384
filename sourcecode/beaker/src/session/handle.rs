//! [`SessionState`]: the copy of one visitor's session on which a program works, with the list of its
//! changes. Its methods only record what is to be done; [`save`](super::save) does it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::mem;
use std::sync::Arc;

use super::changes::Changes;
use super::events::{Event, Unsaved};
use super::id::{SessionId, ticket};
use super::kept::{Kept, Unreadable};
use super::options::Manager;
use super::stored::{Found, Origin, Rejection, SessionData};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Version;
use crate::value::{Value, Values};

/// The values and properties of a session in memory, the same for blocking and asynchronous programs.
///
/// [`Session`](super::Session) of a blocking program, `AsyncSession` of an asynchronous one (feature `tokio`)
/// and `RequestSession` of the middleware all dereference to this type, and so have its methods. A function
/// that only reads and changes values takes a `&mut SessionState`, and then works with all three.
///
/// ```
/// use beaker::session::SessionState;
///
/// fn add_to_basket(session: &mut SessionState, article: &str) {
///     session.set("basket", article);
/// }
///
/// let sessions = beaker::Sessions::new(beaker::Backend::memory());
/// let mut session = sessions.create();
/// add_to_basket(&mut session, "helmet");
/// assert!(session.contains("basket"));
/// ```
pub struct SessionState {
    pub(super) sessions: Manager,
    pub(super) id: SessionId,
    pub(super) data: SessionData,
    pub(super) changes: Changes,
    /// What was loaded besides the values.
    pub(super) kept: Kept,
    origin: Origin,
    pub(super) last_accessed: Option<Timestamp>,
    /// What is stored under the id, as far as this handle knows.
    pub(super) stored: Option<Version>,
    /// The record that moves to the new id with the next save.
    pub(super) moves_from: Option<(SessionId, Version)>,
    /// A save under this id failed, and may have been done.
    pub(super) may_be_stored: bool,
    /// The id and the user under which a save has listed the session, until the list confirms the save.
    pub(super) listed_as: Option<Box<(SessionId, String)>>,
    /// Ids that are to end with nothing kept.
    pub(super) ended: Vec<(SessionId, Option<Known>)>,
    pub(super) intent: Intent,
    pub(super) is_deleted: bool,
    /// Whether saving and deleting wait for the end of the request.
    is_of_request: bool,
    /// The valid session cookie that came with the request.
    pub(super) in_cookie: Option<InCookie>,
    /// The `Set-Cookie` header with the session in it, of one that is kept there.
    pub(super) issued: Option<String>,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// The program asked for nothing.
    Leave,
    Save,
    Delete,
}

/// The version of a session's record, and when this handle learned it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) version: Version,
    pub(super) at: Timestamp,
}

/// The cookie that came with the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InCookie {
    /// The id in it.
    pub(super) id: SessionId,
    /// The cookie is to be sent again, because an old key made it or much of its time has passed.
    pub(super) is_due: bool,
}

/// Creating a session and reading its properties.
impl SessionState {
    /// Creates a session that is not stored yet.
    pub(super) fn new(
        sessions: Manager,
        origin: Origin,
        in_cookie: Option<InCookie>,
    ) -> SessionState {
        let now = sessions.0.clock.now();
        SessionState {
            id: sessions.0.new_ids.make(),
            data: SessionData { created: now, accessed: now, values: Values::new() },
            changes: Changes::of_a_new_session(),
            kept: Kept::default(),
            origin,
            last_accessed: None,
            stored: None,
            moves_from: None,
            may_be_stored: false,
            listed_as: None,
            ended: Vec::new(),
            intent: Intent::Leave,
            is_deleted: false,
            is_of_request: false,
            in_cookie,
            issued: None,
            sessions,
        }
    }

    /// Makes a handle of a stored session, which counts as used now.
    pub(super) fn loaded(
        sessions: Manager,
        found: Found,
        in_cookie: Option<InCookie>,
        now: Timestamp,
    ) -> SessionState {
        let Found { id, data, kept, version } = found;
        SessionState {
            id,
            last_accessed: Some(data.accessed),
            data: SessionData { accessed: now.max(data.accessed), ..data },
            changes: Changes::none(),
            kept,
            origin: Origin::Loaded,
            stored: Some(version),
            moves_from: None,
            may_be_stored: false,
            listed_as: None,
            ended: Vec::new(),
            intent: Intent::Leave,
            is_deleted: false,
            is_of_request: false,
            in_cookie,
            issued: None,
            sessions,
        }
    }

    /// Makes saving and deleting wait for the end of the request.
    #[cfg(feature = "middleware")]
    pub(super) fn of_request(mut self) -> SessionState {
        self.is_of_request = true;
        self
    }

    /// Returns the id of the session. The id is a credential, so `Debug` shows only its first digits.
    ///
    /// ```
    /// let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// assert_eq!(sessions.create().id().as_str().len(), 32);
    /// ```
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Returns when the session began, that is, when [`Sessions::create`](crate::Sessions::create) or the
    /// first request created it. A new id does not change this time.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use beaker::{Backend, Clock, ManualClock, Sessions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let clock = Arc::new(ManualClock::default());
    /// let sessions = Sessions::new(Backend::memory()).clock(clock.clone());
    /// let mut session = sessions.create();
    /// let began = clock.now();
    /// clock.advance(std::time::Duration::from_secs(60));
    /// session.regenerate_id()?;
    /// assert_eq!(session.created(), began);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.data.created
    }

    /// Returns when the session was last used before it was loaded; `None` for a new session.
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// assert_eq!(session.last_accessed(), None);
    /// session.save()?;
    /// assert!(sessions.open(session.id())?.last_accessed().is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn last_accessed(&self) -> Option<Timestamp> {
        self.last_accessed
    }

    /// Returns whether the session is new, that is, not stored yet.
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// assert!(session.is_new());
    /// session.save()?;
    /// assert!(!session.is_new());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.stored.is_none() && self.moves_from.is_none()
    }

    /// Returns where the session came from: new, loaded, or new because the visitor's cookie was rejected,
    /// with the reason. It is meant for logs.
    ///
    /// ```
    /// use beaker::{Backend, Origin, Sessions};
    ///
    /// assert_eq!(Sessions::new(Backend::memory()).create().origin(), Origin::New);
    /// ```
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns whether anything has changed since the session was loaded or saved. Setting a value to an
    /// equal one, or back to the loaded one, is no change.
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.set("theme", "dark");
    /// assert!(session.is_modified());
    /// session.save()?;
    /// session.set("theme", "dark");
    /// assert!(!session.is_modified());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_modified(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Returns the value of the `Set-Cookie` header that must be sent to the visitor now, if any. There is
    /// one after a first save, a new id or a deletion; when the cookie's lifetime or key is to be renewed;
    /// and, for a session in a cookie, after every save.
    ///
    /// If the visitor's cookie was [rejected](Origin::Rejected), the header removes it, unless the new
    /// session was saved or [`remove_rejected`](crate::Sessions::remove_rejected) is off. A cookie that was
    /// rejected only because its session has moved to a new id is not removed.
    ///
    /// The middleware sends this header automatically.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if there is no [signer](crate::Sessions::signed_by).
    ///
    /// # Examples
    ///
    /// ```
    /// use beaker::{Backend, Sessions, Signer};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let signer = Signer::new(&["0123456789abcdef0123456789abcdef"])?;
    /// let sessions = Sessions::new(Backend::memory()).signed_by(signer);
    /// let mut session = sessions.create();
    /// assert_eq!(session.set_cookie()?, None);
    /// session.save()?;
    /// assert!(session.set_cookie()?.is_some_and(|header| header.contains("HttpOnly")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_cookie(&self) -> Result<Option<String>> {
        let options = &self.sessions.0;
        // The answer of the request that moved it may have come first: a removal would take its cookie.
        let is_old = matches!(self.origin, Origin::Rejected(reason) if reason != Rejection::Moved);
        let rejected = options.remove_rejected && is_old;
        if self.origin == Origin::Unavailable {
            return Ok(None);
        }
        if self.stored.is_none() && (self.in_cookie.is_some() || rejected) {
            return Ok(Some(options.cookie.remove()));
        }
        if options.is_in_cookies() || self.stored.is_none() {
            return Ok(self.issued.clone());
        }
        if self.in_cookie.is_some_and(|it| it.id == self.id && !it.is_due) {
            return Ok(None);
        }
        let now = options.clock.now();
        let life = self.data.life();
        let text = ticket::write(&self.id, options.says_when_sent(life).then_some(now));
        let value = options.signer()?.sign(options.cookie.get_name(), &text);
        let longest = options.life_left(&self.data, now);
        Ok(Some(life.cookie(&options.cookie).set(&value, longest)))
    }
}

/// Reading and changing values, in memory only.
impl SessionState {
    /// Returns the value of a key, or `None` if there is no such key.
    ///
    /// ```
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.set("visits", 1);
    /// assert_eq!(session.get("visits").and_then(|visits| visits.as_int()), Some(1));
    /// assert_eq!(session.get("cart"), None);
    /// ```
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.data.values.get(key)
    }

    /// Returns the value of a key, or an error if there is no such key.
    ///
    /// # Errors
    ///
    /// `ErrorKind::MissingKey`, naming the key and the session's id; `ErrorKind::Codec` if the value is
    /// [`unreadable`](SessionState::unreadable).
    ///
    /// # Examples
    ///
    /// ```
    /// use beaker::ErrorKind;
    ///
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let error = sessions.create().require("cart").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::MissingKey);
    /// ```
    pub fn require(&self, key: &str) -> Result<&Value> {
        self.get(key).ok_or_else(|| self.missing(key))
    }

    /// Returns whether there is a value under this key.
    ///
    /// ```
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.set("cart", "empty");
    /// assert!(session.contains("cart") && !session.contains("user"));
    /// ```
    #[doc(alias = "contains_key")]
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.data.values.contains_key(key)
    }

    /// Returns all values, sorted by key.
    ///
    /// ```
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.set("b", 2);
    /// session.set("a", 1);
    /// assert!(session.values().keys().eq(["a", "b"]));
    /// ```
    #[doc(alias = "entries")]
    #[must_use]
    pub fn values(&self) -> &Values {
        &self.data.values
    }

    /// Sets the value of a key. If another request sets the same key at the same time, the last one to save
    /// wins. Setting a key to the value that it already has is no change: nothing needs saving, and what
    /// another request saves under that key is kept.
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.set("user", "kimi");
    /// session.set("visits", 3);
    /// session.save()?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "insert")]
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.changes.set(&mut self.data.values, key.into(), value.into());
    }

    /// Removes a key and returns its value. Removing a missing key changes nothing.
    ///
    /// ```
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.set("flash", "Saved.");
    /// assert_eq!(session.remove("flash").as_ref().and_then(|text| text.as_str()), Some("Saved."));
    /// assert_eq!(session.remove("flash"), None);
    /// ```
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let removed = self.changes.remove(&mut self.data.values, key);
        if self.has_unreadable(key) {
            self.changes.note_removed(key);
        }
        removed
    }

    /// Replaces a value by the result of a function of the old one, and returns the new value. Use it for
    /// values that depend on the old one, such as counters: two requests that each add one add two in all,
    /// because the function is applied again, when the session is saved, to what is stored at that moment. It
    /// may therefore run more than once.
    ///
    /// ```
    /// use beaker::Value;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// # let mut session = sessions.create();
    /// # session.save()?;
    /// # let id = *session.id();
    /// let one_more = |old: Option<&Value>| old.and_then(Value::as_int).unwrap_or(0) + 1;
    /// let (mut one, mut other) = (sessions.open(&id)?, sessions.open(&id)?);
    /// one.update("visits", one_more);
    /// other.update("visits", one_more);
    /// one.save()?;
    /// other.save()?;
    /// assert_eq!(sessions.open(&id)?.require("visits")?.as_int(), Some(2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn update<F, V>(&mut self, key: impl Into<String>, update: F) -> Value
    where
        F: Fn(Option<&Value>) -> V + Send + Sync + 'static,
        V: Into<Value>,
    {
        let (key, update) =
            (key.into(), move |old: Option<&Value>| -> Value { update(old).into() });
        let value = update(self.get(&key));
        let redo = Arc::new(move |old: Option<&Value>| Ok(Some(update(old))));
        self.changes.update(&mut self.data.values, key, Some(value.clone()), redo);
        value
    }

    /// Removes all keys but keeps the session and its id. To end the session as well, use
    /// [`invalidate`](crate::Session::invalidate).
    ///
    /// ```
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.set("cart", "full");
    /// session.clear();
    /// assert!(session.values().is_empty());
    /// ```
    pub fn clear(&mut self) {
        self.changes.clear(&mut self.data.values, !self.kept.unreadable.is_empty());
    }

    /// Undoes all changes since the session was loaded or saved.
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.set("theme", "dark");
    /// session.save()?;
    /// session.set("theme", "light");
    /// session.revert();
    /// assert_eq!(session.require("theme")?.as_str(), Some("dark"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn revert(&mut self) {
        let values = mem::take(&mut self.data.values);
        self.data.values = self.changes.undo(values);
    }

    /// Returns the entries that a Python application wrote and no [`Value`] can hold, in no particular order.
    /// They occur only in Beaker's format: in cookies, and in records with
    /// `Sessions::shared_with_beaker` (feature `python`).
    ///
    /// For [`get`](SessionState::get), `contains` and `update` such a key does not exist. A save writes the
    /// entry back unchanged; `set`, `update`, `remove` and `clear` replace or remove it like any other.
    ///
    /// ```
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let session = sessions.create();
    /// for entry in session.unreadable() {
    ///     eprintln!("`{}` is {}: {}", entry.key(), entry.text(), entry.why());
    /// }
    /// ```
    pub fn unreadable(&self) -> impl Iterator<Item = &Unreadable> {
        let is_kept = |entry: &&Unreadable| !self.is_deleted && !self.changes.replaces(entry);
        self.kept.unreadable.iter().filter(is_kept)
    }

    /// Returns what goes back beside the values.
    pub(super) fn kept(&self) -> Cow<'_, Kept> {
        self.kept.without(|entry| self.changes.replaces(entry))
    }

    /// Makes what is here now what was loaded.
    pub(super) fn forget_changes(&mut self) {
        if let Cow::Owned(kept) = self.kept() {
            self.kept = kept;
        }
        self.changes = Changes::none();
    }

    fn has_unreadable(&self, key: &str) -> bool {
        self.kept.unreadable.iter().any(|entry| entry.has_key(key))
    }

    /// Refuses a key that is there, and whose value no type can have.
    pub(super) fn refuse_if_unreadable(&self, key: &str) -> Result<()> {
        match self.unreadable().any(|entry| entry.has_key(key)) {
            true => Err(self.missing(key)),
            false => Ok(()),
        }
    }

    /// Tells why there is no value under a key.
    fn missing(&self, key: &str) -> Error {
        match self.unreadable().find(|entry| entry.has_key(key)) {
            Some(Unreadable { why, .. }) => Error::codec(format!(
                "the session `{}` has a `{key}` that no value can hold: {why}; it is kept as it is, and \
                 `set` replaces it",
                self.id.short()
            )),
            None => {
                let what = format!("the session `{}` has no key `{key}`", self.id.short());
                Error::new(ErrorKind::MissingKey, what)
            }
        }
    }

    /// Returns the data without what was changed here.
    pub(super) fn unchanged(&self) -> SessionData {
        let mut unchanged = self.data.clone();
        unchanged.values = self.changes.clone().undo(unchanged.values);
        unchanged
    }
}

/// Records what the program asks for: to save, to delete, to begin again, to move to a new id.
/// [`persist`](SessionState::persist) does it.
impl SessionState {
    pub(crate) fn ask_to_save(&mut self) -> Result<()> {
        self.refuse_if_unavailable()?;
        if self.is_deleted {
            return Err(self.gone());
        }
        self.intent = Intent::Save;
        Ok(())
    }

    pub(crate) fn ask_to_delete(&mut self) -> Result<()> {
        self.refuse_if_unavailable()?;
        self.data.values.clear();
        self.changes = Changes::none();
        self.is_deleted = true;
        self.intent = Intent::Delete;
        Ok(())
    }

    /// Ends this one, and goes on with an empty one.
    pub(crate) fn ask_to_begin_again(&mut self) -> Result<()> {
        self.refuse_if_unavailable()?;
        let mut fresh = SessionState::new(self.sessions.clone(), self.origin, self.in_cookie);
        fresh.is_of_request = self.is_of_request;
        let mut before = mem::replace(self, fresh);
        self.ended = mem::take(&mut before.ended);
        self.ended.extend(before.places());
        before.changes = Changes::none();
        Ok(())
    }

    pub(crate) fn ask_for_new_id(&mut self) -> Result<()> {
        self.ask_to_save()?;
        // A move that was begun and not ended goes on to the id that it was to have: nobody knows it.
        let is_on_its_way =
            self.moves_from.is_some() && (self.stored.is_some() || self.may_be_stored);
        if !is_on_its_way {
            let new = self.sessions.0.new_ids.make();
            if new == self.id {
                self.intent = Intent::Leave;
                return Err(Error::config(format!(
                    "the session `{}` was to get a new id, and the `id_generator` has given it the one that it has",
                    self.id.short()
                )));
            }
            let old = mem::replace(&mut self.id, new);
            if let Some(version) = self.stored.take() {
                self.moves_from = Some((old, version));
            } else if mem::take(&mut self.may_be_stored) {
                self.ended.push((old, None));
            }
        }
        Ok(())
    }

    /// Returns the time of an access. For a request a few milliseconds less do no harm, and are read in a
    /// tenth of the time.
    pub(super) fn time(&self) -> Timestamp {
        let clock = &self.sessions.0.clock;
        if self.is_of_request { clock.recent() } else { clock.now() }
    }

    pub(super) fn gone(&self) -> Error {
        let id = self.id.short();
        let what = format!("the session `{id}` was deleted, and was not saved again");
        Error::new(ErrorKind::SessionGone, what + "; `invalidate` goes on with an empty one")
    }

    /// Refuses to write a session that was not loaded because the store could not be reached.
    pub(super) fn refuse_if_unavailable(&self) -> Result<()> {
        if self.origin != Origin::Unavailable {
            return Ok(());
        }
        let what =
            "the store could not be reached when this session was asked for, so the session is";
        let what = format!("{what} empty and cannot be saved or ended; let the visitor try again");
        Err(Error::new(ErrorKind::Unavailable, what))
    }
}

/// Forgetting `save` would be silent otherwise.
impl SessionState {
    /// Returns the changes that the program never tried to save. If saving has failed, the program already
    /// has the error.
    pub(crate) fn unsaved(&self) -> Option<Unsaved<'_>> {
        let is_saved_by_itself = self.is_of_request && self.sessions.0.auto;
        let is_unsaved = self.intent == Intent::Leave && self.is_modified() && !is_saved_by_itself;
        is_unsaved.then(|| Unsaved { id: &self.id, keys: self.changes.keys(&self.data.values) })
    }
}

/// Reports unsaved changes, except those of a request: the middleware reports them, because it knows the
/// request.
impl Drop for SessionState {
    fn drop(&mut self) {
        if !self.is_of_request
            && !std::thread::panicking()
            && let Some(unsaved) = self.unsaved()
        {
            self.sessions.0.events.emit(Event::Unsaved(&unsaved));
        }
    }
}

/// Prints a map of the values and, as Beaker does, of the two times; nothing of a deleted session.
impl Debug for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut entries: BTreeMap<&str, &dyn Debug> = BTreeMap::new();
        if !self.is_deleted {
            entries.insert("_accessed_time", &self.data.accessed);
            entries.insert("_creation_time", &self.data.created);
        }
        entries.extend(self.data.values.iter().map(|(key, value)| (key.as_str(), value as _)));
        f.debug_map().entries(entries).finish()
    }
}
