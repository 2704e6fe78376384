//! What the visitor's browser has and what it is sent: the cookie.

use super::find::Found;
use super::options::Options;
use super::{Origin, Rejection, Session, SessionId, Sessions, Unreadable};
use crate::clock::Timestamp;
use crate::cookie::CookieLifetime;
use crate::error::Result;

/// The cookie that came with the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InCookie {
    /// The id in it.
    pub(super) id: SessionId,
    /// It is to be sent anew: an old key made it, or much of its time has passed.
    pub(super) is_due: bool,
}

/// Whoever sent a request: known by a cookie, or not.
pub(crate) enum Visitor {
    /// With what is in the cookie and no value can hold.
    Known(Found, InCookie, Vec<Unreadable>),
    New(Origin),
}

impl Visitor {
    /// Their session, which may be a new one.
    pub(crate) fn session(self, sessions: Sessions) -> Session {
        let now = sessions.0.clock.now();
        self.session_from(now, sessions)
    }

    /// The same for a request: it acts when that has been answered.
    #[cfg(feature = "middleware")]
    pub(crate) fn session_of_request(self, sessions: Sessions) -> Session {
        let now = sessions.0.clock.recent();
        self.session_from(now, sessions).deferred()
    }

    fn session_from(self, now: Timestamp, sessions: Sessions) -> Session {
        match self {
            Visitor::Known(found, in_cookie, unreadable) => {
                let mut session = Session::loaded(sessions, found, Some(in_cookie), now);
                session.unreadable = unreadable;
                session
            }
            Visitor::New(origin) => Session::new(sessions, origin, None),
        }
    }
}

/// What is signed in a cookie: an id, and if the cookie runs out, when it was sent.
pub(super) mod ticket {
    use super::{SessionId, Timestamp};

    /// `id`, or `id-68f0a1b2`: seconds since 1970 in hex.
    pub(in super::super) fn read(text: &str) -> Option<(SessionId, Option<Timestamp>)> {
        if text.len() == SessionId::LENGTH {
            return Some((text.parse().ok()?, None));
        }
        match text.split_once('-') {
            None => Some((text.parse().ok()?, None)),
            Some((id, sent)) => {
                let seconds = u64::from_str_radix(sent, 16).ok()?;
                let sent = Timestamp::from_micros(seconds.checked_mul(1_000_000)?);
                Some((id.parse().ok()?, Some(sent)))
            }
        }
    }

    pub(super) fn write(id: &SessionId, sent: Option<Timestamp>) -> String {
        match sent {
            None => id.to_string(),
            Some(sent) => format!("{id}-{:x}", sent.as_micros() / 1_000_000),
        }
    }
}

impl Options {
    /// Whether a cookie that was sent then is to be sent anew.
    pub(super) fn is_ticket_due(&self, sent: Option<Timestamp>) -> bool {
        let since = |sent| self.clock.recent().since(sent);
        self.reissue_after().is_some_and(|time| sent.is_none_or(|sent| since(sent) >= time))
    }

    /// Whether the cookie says when it was sent: Beaker would not understand.
    fn says_when_sent(&self) -> bool {
        matches!(self.cookie.get_lifetime(), CookieLifetime::For(_))
            && !self.signer.as_ref().is_some_and(|signer| signer.is_beakers())
    }
}

impl Session {
    /// The value of the `Set-Cookie` header that the visitor needs now, if any: after a first save,
    /// a new id or a deletion; when the cookie's time or key is to be renewed; and for a session in a
    /// cookie, whenever it was saved. After a cookie that was [rejected](super::Origin::Rejected), and not just because
    /// its session has moved to a new id, it is a header that removes that one, unless the new session was saved or
    /// [`remove_rejected`](Sessions::remove_rejected) is off.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if there is no [signer](super::Sessions::signed_by).
    pub fn set_cookie(&self) -> Result<Option<String>> {
        let options = &self.sessions.0;
        // The answer of the request that moved it may have come first: a removal would take its cookie.
        let is_old = matches!(self.origin, Origin::Rejected(reason) if reason != Rejection::Moved);
        let rejected = options.remove_rejected && is_old;
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
        let text = ticket::write(&self.id, options.says_when_sent().then_some(now));
        let value = self.sessions.signer()?.sign(options.cookie.get_name(), &text);
        Ok(Some(options.cookie.set(&value, options.longest_cookie(self.data.created, now))))
    }
}

impl Options {
    /// A cookie is worth nothing after the session's lifetime.
    pub(super) fn longest_cookie(
        &self,
        created: Timestamp,
        now: Timestamp,
    ) -> Option<std::time::Duration> {
        self.lifetime.map(|lifetime| lifetime.saturating_sub(now.since(created)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets() {
        let id = SessionId::random();
        for sent in [None, Some(Timestamp::from_micros(1_700_000_000_000_000))] {
            assert_eq!(ticket::read(&ticket::write(&id, sent)), Some((id, sent)));
        }
        for wrong in ["", "-", "x-1", &format!("{id}-"), &format!("{id}-xyz"), &format!("{id}-1-2")]
        {
            assert_eq!(ticket::read(wrong), None, "{wrong}");
        }
        assert_eq!(ticket::read(&format!("{id}-{:x}", u64::MAX)), None);
    }
}
