//! [`Session`]: the values of one visitor, and [`Sessions`], which makes, opens and loads them.

mod attempts;
#[cfg(feature = "cookies")]
mod beaker_json;
#[cfg(feature = "cookies")]
mod carried;
mod changes;
mod data;
mod end;
mod events;
mod find;
mod id;
#[cfg(feature = "cookies")]
mod in_cookie;
#[cfg(feature = "cookies")]
mod issue;
mod life;
mod moves;
mod options;
mod origin;
mod persist;
mod plan;
mod records;
mod sessions;
mod turns;
mod unreadable;
#[cfg(feature = "tracing")]
mod unsaved;
mod users;
mod values;
mod visitor;
mod write;

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::sync::Arc;

use changes::Changes;
pub use data::SessionData;
use end::Known;
#[cfg(feature = "tracing")]
pub use events::SessionCounters;
use find::Found;
pub use id::SessionId;
use options::Options;
pub(crate) use options::{DEFAULT_PER_USER, MOST_PER_USER};
pub use origin::{Origin, Rejection};
use plan::Intent;
pub use unreadable::Unreadable;
use visitor::InCookie;
#[cfg(feature = "middleware")]
pub(crate) use visitor::Visitor;

use crate::clock::Timestamp;
use crate::store::Version;
use crate::value::Values;

/// The sessions of an application: where they are stored, and by which rules. A clone is the same
/// sessions.
#[derive(Debug, Clone)]
pub struct Sessions(Arc<Options>);

/// A visitor's session.
///
/// It works on a copy of what was loaded, and keeps a list of changes. [`save`](Session::save)
/// applies them to what is stored by then, so two requests of one visitor that overlap lose
/// nothing.
///
/// A handle that is dropped with changes that nobody has tried to save tells so in a `WARN` event (feature
/// `tracing`), with the keys and without their values. [`revert`](Session::revert) takes changes back.
///
/// `save`, `delete`, `invalidate` and `regenerate_id` act at once. In a request of the middleware
/// they are noted, and done when the request has ended.
pub struct Session {
    sessions: Sessions,
    id: SessionId,
    data: SessionData,
    changes: Changes,
    /// What was loaded and no value can hold.
    unreadable: Vec<Unreadable>,
    origin: Origin,
    last_accessed: Option<Timestamp>,
    /// What is stored under the id, as far as this handle knows.
    stored: Option<Version>,
    /// The record that moves to the new id with the next save.
    moves_from: Option<(SessionId, Version)>,
    /// A save under this id failed, and may have been done.
    may_be_stored: bool,
    /// The id and the user that a save has listed it for, until the list says that it is done.
    listed_as: Option<Box<(SessionId, String)>>,
    /// Ids that are to end with nothing kept.
    ended: Vec<(SessionId, Option<Known>)>,
    intent: Intent,
    is_deleted: bool,
    /// Act when the request has ended, not at once.
    deferred: bool,
    /// The cookie of ours that the visitor has.
    in_cookie: Option<InCookie>,
    /// The `Set-Cookie` header with the session in it, of one that is kept there.
    issued: Option<String>,
}

impl Session {
    fn new(sessions: Sessions, origin: Origin, in_cookie: Option<InCookie>) -> Session {
        let now = sessions.0.clock.now();
        Session {
            id: SessionId::random(),
            data: SessionData { created: now, accessed: now, values: Values::new() },
            changes: Changes::of_a_new_session(),
            unreadable: Vec::new(),
            origin,
            last_accessed: None,
            stored: None,
            moves_from: None,
            may_be_stored: false,
            listed_as: None,
            ended: Vec::new(),
            intent: Intent::Leave,
            is_deleted: false,
            deferred: false,
            in_cookie,
            issued: None,
            sessions,
        }
    }

    /// What was found, and is used from now on.
    fn loaded(
        sessions: Sessions,
        found: Found,
        in_cookie: Option<InCookie>,
        now: Timestamp,
    ) -> Session {
        let Found { id, data, version } = found;
        Session {
            id,
            last_accessed: Some(data.accessed),
            data: SessionData { accessed: now.max(data.accessed), ..data },
            changes: Changes::none(),
            unreadable: Vec::new(),
            origin: Origin::Loaded,
            stored: Some(version),
            moves_from: None,
            may_be_stored: false,
            listed_as: None,
            ended: Vec::new(),
            intent: Intent::Leave,
            is_deleted: false,
            deferred: false,
            in_cookie,
            issued: None,
            sessions,
        }
    }

    /// Its id.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// When it began.
    pub fn created(&self) -> Timestamp {
        self.data.created
    }

    /// When it was used before this time; `None` for a new one.
    pub fn last_accessed(&self) -> Option<Timestamp> {
        self.last_accessed
    }

    /// Is it stored nowhere yet?
    pub fn is_new(&self) -> bool {
        self.stored.is_none() && self.moves_from.is_none()
    }

    /// Where it came from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Has anything changed since it was loaded or saved? A value that was set to an equal one, or back to
    /// what it was, has not.
    pub fn is_modified(&self) -> bool {
        !self.changes.is_empty()
    }
}

/// Prints a map of the values and, as Beaker does, of the two times; nothing of a deleted session.
impl Debug for Session {
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
