//! Ending a session reliably, whatever other requests do with it at the same time.
//!
//! A session that moves to a new id is first written under that id, as a record that *arrives*. Then its old
//! record is replaced by a *forward* to the new id, if it is still unchanged. Finally the new record becomes
//! an ordinary one. At any time exactly one record decides about the session, and a request that ends the
//! session finds that record:
//!
//! ```text
//! old id    session   session    forward to new   forward to new
//! new id    nothing   arriving   arriving         session
//!           to end is the old    to end is the new
//! ```
//!
//! A record is removed only if it is unchanged since it was read, and otherwise read again; a forward leads
//! to the next id. A move whose forward comes too late finds that the old record is gone, and removes the
//! arriving record. If the process crashes before that, the arriving record stays, but no request ever
//! accepts it.

use super::handle::Known;
use super::id::SessionId;
use super::options::Manager;
use super::records::FORWARDS_LAST;
use super::stored::{Arriving, Content, SessionData};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Precondition;

/// The limit of new ids within that time up to which a session is followed.
const MAX_MOVES: usize = 10_000;

/// What came of ending what is under one id.
pub(super) enum Ending {
    /// The session that was under this id was removed.
    Ended(SessionId),
    /// There was none, or what was none any more.
    Nothing,
    /// It may not be ended.
    Spared,
    /// The session has this id now.
    Moved(SessionId),
    /// The session is still under this id, and about to come here.
    Arrives(SessionId),
}

/// Which session may be ended.
#[derive(Clone, Copy)]
pub(super) enum MayEnd<'a> {
    Any,
    /// One of this user, unless it is the one that this id is of, or leads to.
    Of {
        user: &'a str,
        except: Option<&'a SessionId>,
    },
}

impl Manager {
    /// Ends the session that is, or was, under this id, and tells whether there was one.
    pub(super) async fn end(&self, id: &SessionId) -> Result<bool> {
        Ok(matches!(self.end_if(id, MayEnd::Any).await?, Ending::Ended(_)))
    }

    /// The same for a session that was of this version at that time. If nothing is found of it, and it
    /// was too long ago to say that it has not moved, that is an error.
    pub(super) async fn end_known(&self, id: &SessionId, known: Option<&Known>) -> Result<()> {
        if self.0.is_in_cookies() {
            return Ok(());
        }
        let Some(known) = known else { return self.end(id).await.map(drop) };
        let unchanged = Precondition::Unchanged(known.version);
        if self.records().delete(&self.key(id), unchanged).await? || self.end(id).await? {
            return Ok(());
        }
        let age = self.0.clock.now().since(known.at);
        if age < FORWARDS_LAST {
            return Ok(());
        }
        let what =
            format!("nothing is stored under the id `{}` any more, which was loaded", id.short());
        let why = format!("{what} {age:?} ago: whether the session got another id cannot be told");
        let advice = "open it again to end it, or end all sessions of its user";
        Err(Error::new(ErrorKind::UnknownSession, format!("{why}; {advice}")))
    }

    /// Ends the session that is, or was, under this id, if it may be ended.
    pub(super) async fn end_if(&self, id: &SessionId, may: MayEnd<'_>) -> Result<Ending> {
        let mut id = *id;
        for _ in 0..MAX_MOVES {
            match self.end_here(&id, may).await? {
                Ending::Moved(next) | Ending::Arrives(next) => id = next,
                step => return Ok(step),
            }
        }
        Err(not_ended(&id, "it got new ids all the time"))
    }

    /// Ends what is under this id, and follows no forward. Who keeps saving it does not hold this up.
    pub(super) async fn end_here(&self, id: &SessionId, may: MayEnd<'_>) -> Result<Ending> {
        let key = self.key(id);
        let turn = self.turn(&key).await;
        if turn.is_none()
            && let Some(step) = self.try_to_end(id, may).await?
        {
            return Ok(step);
        }
        let mut attempts = self.attempts(key, turn).await;
        while attempts.next().await? {
            if let Some(step) = self.try_to_end(id, may).await? {
                return Ok(step);
            }
        }
        Err(not_ended(id, "others kept writing it"))
    }

    /// `None` if the record was written in between.
    async fn try_to_end(&self, id: &SessionId, may: MayEnd<'_>) -> Result<Option<Ending>> {
        let key = self.key(id);
        let Some(stored) = self.records().get(&key).await? else {
            return Ok(Some(Ending::Nothing));
        };
        let (is_session, may) = match self.0.read_record(id, &stored)? {
            Some(Content::Forward(forward)) => return Ok(Some(Ending::Moved(forward.to))),
            Some(Content::Session(data, _)) => {
                (self.0.over(&data).is_none(), self.may_end(may, id, &data).await?)
            }
            Some(Content::Arriving(Arriving { from, data, .. })) => {
                match self.content(&from).await? {
                    Some(Content::Forward(forward)) if forward.to == *id => {
                        (true, self.may_end(may, id, &data).await?)
                    }
                    Some(Content::Session(..) | Content::Arriving(_)) => {
                        return Ok(Some(Ending::Arrives(from)));
                    }
                    // It will never arrive.
                    _ => (false, true),
                }
            }
            #[cfg(feature = "python")]
            Some(Content::Emptied) => (false, true),
            // Damaged: no session any more.
            None => (false, true),
        };
        if !may {
            return Ok(Some(Ending::Spared));
        }
        let removed = self.records().delete(&key, Precondition::Unchanged(stored.version)).await?;
        Ok(removed.then_some(if is_session { Ending::Ended(*id) } else { Ending::Nothing }))
    }
}

impl Manager {
    async fn may_end(&self, may: MayEnd<'_>, id: &SessionId, data: &SessionData) -> Result<bool> {
        match may {
            MayEnd::Any => Ok(true),
            MayEnd::Of { user, .. } if data.user() != Some(user) => Ok(false),
            MayEnd::Of { except, .. } => Ok(!self.is_or_leads(except, id).await?),
        }
    }

    /// Tells whether an id is that one, or leads there.
    pub(super) async fn is_or_leads(
        &self,
        from: Option<&SessionId>,
        to: &SessionId,
    ) -> Result<bool> {
        let mut next = from.copied();
        for _ in 0..MAX_MOVES {
            match next {
                None => break,
                Some(id) if id == *to => return Ok(true),
                Some(id) => next = self.forwards(&id).await?,
            }
        }
        Ok(false)
    }
}

fn not_ended(id: &SessionId, why: &str) -> Error {
    let what = format!("could not end the session `{}`: {why}", id.short());
    Error::new(ErrorKind::Conflict, what + "; it may live on, so try again")
}
