//! Loading sessions: by an id, or by the visitor's cookie; and what a record means to a request.

use std::sync::atomic::Ordering;

use super::events::Event;
use super::handle::{InCookie, SessionState};
use super::id::{SessionId, ticket};
use super::local_tier::Look;
use super::options::{Home, Manager, OnStoreFailure};
use super::stored::{Arriving, Content, Forward, Found, Origin, Rejection};
use crate::clock::Timestamp;
use crate::cookie;
use crate::error::{Error, ErrorKind, Result};
#[cfg(feature = "metrics")]
use crate::metrics::{self, LoadResult};
use crate::store::{Precondition, Stored};
#[cfg(feature = "cookies")]
use {
    super::client_side::{Carrier, NotRead},
    crate::store::Version,
};

/// The limit of ids over which a request follows a session that keeps getting new ones.
const MAX_FOLLOWED: usize = 64;

/// The visitor who sent a request: known by a cookie, or not.
enum Visitor {
    Known(Found, InCookie),
    New(Origin),
}

impl Visitor {
    /// Makes their session, which may be a new one.
    fn session(self, sessions: Manager) -> SessionState {
        let now = sessions.0.clock.now();
        self.session_from(now, sessions)
    }

    /// The same for a request: it acts when that has been answered.
    #[cfg(feature = "middleware")]
    fn session_of_request(self, sessions: Manager) -> SessionState {
        let now = sessions.0.clock.recent();
        self.session_from(now, sessions).of_request()
    }

    fn session_from(self, now: Timestamp, sessions: Manager) -> SessionState {
        match self {
            Visitor::Known(found, in_cookie) => {
                SessionState::loaded(sessions, found, Some(in_cookie), now)
            }
            Visitor::New(origin) => SessionState::new(sessions, origin, None),
        }
    }
}

/// What is found, and by which cookie.
type Recognized = (Found, InCookie);

impl Manager {
    /// Makes a new session. Nothing is stored until it is saved.
    pub(super) fn create(&self) -> SessionState {
        SessionState::new(self.clone(), Origin::New, None)
    }

    /// Opens the session that is saved under an id that the program trusts.
    pub(super) async fn open(&self, id: &SessionId) -> Result<SessionState> {
        if self.0.is_in_cookies() {
            let why = "sessions in cookies are not reached by id; `load` takes the `Cookie` header";
            return Err(Error::config(why));
        }
        let events = &self.0.events;
        #[cfg(feature = "metrics")]
        let begun = metrics::begin(&*self.0.clock);
        // The program asks for what is stored, and not for what was.
        let found = events.during_load(|| self.find(id)).await;
        #[cfg(feature = "metrics")]
        events.load_ended(begun, &*self.0.clock, &found, |found| match found {
            Ok(_) => LoadResult::Found,
            Err(_) => LoadResult::Rejected,
        });
        let found = found?;
        events.store_answers();
        match found.inspect(|found| events.emit(Event::Loaded(&found.id))) {
            Ok(found) => Ok(SessionState::loaded(self.clone(), found, None, self.0.clock.now())),
            Err(reason) => Err(Error::new(
                ErrorKind::UnknownSession,
                format!(
                    "there is no session `{}` ({reason:?}): it was never saved, or it has ended",
                    id.short()
                ),
            )),
        }
    }

    /// Loads the session of a visitor, by the `Cookie` header of the request.
    pub(super) async fn load(&self, cookie_header: Option<&str>) -> Result<SessionState> {
        self.recognize(cookie_header).await.map(|visitor| visitor.session(self.clone()))
    }

    /// The same for a request, whose session acts when that has been answered.
    #[cfg(feature = "middleware")]
    pub(crate) async fn load_for_request(&self, cookies: Option<&str>) -> Result<SessionState> {
        self.recognize(cookies).await.map(|visitor| visitor.session_of_request(self.clone()))
    }

    /// Tells who the visitor is, by the `Cookie` header.
    async fn recognize(&self, cookie_header: Option<&str>) -> Result<Visitor> {
        #[cfg(feature = "metrics")]
        let begun = metrics::begin(&*self.0.clock);
        let recognized = self.0.events.during_load(|| self.look_for_visitor(cookie_header)).await;
        #[cfg(feature = "metrics")]
        self.0.events.load_ended(begun, &*self.0.clock, &recognized, |visitor| match visitor {
            Visitor::Known(..) => LoadResult::Found,
            Visitor::New(Origin::Rejected(_)) => LoadResult::Rejected,
            Visitor::New(_) => LoadResult::New,
        });
        match recognized {
            Err(error) if self.goes_on_without_store(&error) => {
                self.0.events.store_fails(&error);
                Ok(Visitor::New(Origin::Unavailable))
            }
            #[cfg(feature = "python")]
            Err(error) if self.goes_on_without_record(&error) => {
                self.0.damaged.fetch_add(1, Ordering::Relaxed);
                Ok(Visitor::New(Origin::Rejected(Rejection::Damaged)))
            }
            recognized => recognized,
        }
    }

    fn goes_on_without_store(&self, error: &Error) -> bool {
        self.0.on_store_failure == OnStoreFailure::Empty && error.kind() == ErrorKind::Unavailable
    }

    #[cfg(feature = "python")]
    fn goes_on_without_record(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::Codec
            && self.0.beaker.as_ref().is_some_and(|format| format.invalidates_corrupt())
    }

    async fn look_for_visitor(&self, cookie_header: Option<&str>) -> Result<Visitor> {
        let events = &self.0.events;
        let name = self.0.cookie.get_name();
        let mut origin = Origin::New;
        for value in cookie_header.into_iter().flat_map(|header| cookie::find(header, name)) {
            let loaded = match &self.0.home {
                Home::Store => self.load_from_store(value).await?,
                #[cfg(feature = "cookies")]
                Home::Cookie(carrier) => self.load_from_cookie(carrier, value)?,
            };
            match loaded {
                Ok((found, in_cookie)) => {
                    events.emit(Event::Loaded(&found.id));
                    for entry in &found.kept.unreadable {
                        events.emit(Event::Unreadable(&found.id, entry));
                    }
                    return Ok(Visitor::Known(found, in_cookie));
                }
                Err(reason) => {
                    events.emit(Event::Rejected(reason));
                    origin = Origin::Rejected(reason);
                }
            }
        }
        self.check_signer()?;
        Ok(Visitor::New(origin))
    }

    /// Loads what a cookie of ours leads to.
    async fn load_from_store(&self, value: &str) -> Result<Result<Recognized, Rejection>> {
        let options = &self.0;
        let Some(verified) = options.signer()?.verify(options.cookie.get_name(), value) else {
            return Ok(Err(Rejection::Signature));
        };
        let Some((id, sent)) = ticket::read(verified.text) else {
            return Ok(Err(Rejection::Id));
        };
        let found = match self.find_copy(&id).await? {
            Some(copy) => Ok(copy),
            None => {
                let found = self.find(&id).await?;
                self.0.events.store_answers();
                found
            }
        };
        Ok(found.map(|found| {
            let is_due = !verified.is_newest || options.is_ticket_due(found.data.life(), sent);
            (found, InCookie { id, is_due })
        }))
    }

    /// Loads what a cookie of ours has in it.
    #[cfg(feature = "cookies")]
    fn load_from_cookie(
        &self,
        carrier: &Carrier,
        value: &str,
    ) -> Result<Result<Recognized, Rejection>> {
        let options = &self.0;
        options.check_codec()?;
        let carried = match carrier.unpack(options.cookie.get_name(), value, options.codecs()) {
            Ok(carried) => carried,
            Err(NotRead::Rejected(reason)) => return Ok(Err(reason)),
            Err(NotRead::Unreadable(why)) => {
                self.refuse_unreadable(&why)?;
                return Ok(Err(Rejection::Damaged));
            }
        };
        if let Some(reason) = options.over(&carried.data) {
            return Ok(Err(reason));
        }
        let in_cookie = InCookie { id: carried.id, is_due: !carried.is_newest };
        // There is no store to number its writes.
        let version = Version::new(0);
        let found = Found { id: carried.id, data: carried.data, kept: carried.kept, version };
        Ok(Ok((found, in_cookie)))
    }
}

#[cfg(feature = "cookies")]
impl Manager {
    /// Fails the request whose session Python has put into the cookie, rather than replace it.
    fn refuse_unreadable(&self, why: &str) -> Result<()> {
        #[cfg(feature = "python")]
        if self.0.beaker.is_some() {
            return Err(Error::codec(format!(
                "could not read the session in the cookie `{}`, which Python's Beaker shares: {why}; \
                 compare `data_serializer`, `crypto_type` and `encrypt_nonce_bits` of both sides",
                self.0.cookie.get_name()
            )));
        }
        let _ = why;
        Ok(())
    }
}

/// What a record means to a request.
pub(super) enum Resolved {
    Found(Found),
    Rejected(Rejection),
    /// The session is under this id, which may be the same one: what is there has changed.
    Elsewhere(SessionId),
}

impl Manager {
    /// Finds what is stored under an id and may be used. An id that was changed a moment ago leads to the
    /// new one, if there is a `grace`.
    pub(super) async fn find(&self, id: &SessionId) -> Result<Result<Found, Rejection>> {
        let mut id = *id;
        let tier = self.0.local_tier.as_deref();
        for _ in 0..MAX_FOLLOWED {
            let key = self.key(&id);
            let reading = tier.map(|tier| (tier, tier.reading(&key, self.0.clock.monotonic())));
            let Some(stored) = self.records().get(&key).await? else { break };
            match self.resolve(id, &stored).await? {
                Resolved::Found(found) => {
                    if let Some((tier, reading)) = &reading {
                        tier.keep(&key, &stored, reading);
                    }
                    return Ok(Ok(found));
                }
                Resolved::Rejected(reason) => return Ok(Err(reason)),
                Resolved::Elsewhere(next) => id = next,
            }
        }
        Ok(Err(Rejection::Unknown))
    }

    /// Returns the copy of a session in the local tier, if it may be used. What a copy does not know, or says
    /// has ended, is for the store to tell.
    async fn find_copy(&self, id: &SessionId) -> Result<Option<Found>> {
        let Some(tier) = self.0.local_tier.as_deref() else { return Ok(None) };
        let key = self.key(id);
        let mut look = tier.get(&key, self.0.clock.monotonic());
        if let Look::Unchecked = look {
            Box::pin(self.check_announcements(tier, &key)).await;
            look = tier.get(&key, self.0.clock.monotonic());
        }
        let Look::Copy(stored) = look else { return Ok(None) };
        Ok(match self.0.read_record(id, &stored)? {
            Some(Content::Session(data, kept)) if self.0.over(&data).is_none() => {
                Some(Found { id: *id, data, kept, version: stored.version })
            }
            _ => None,
        })
    }

    /// Tells what a record under this id means to a request.
    pub(super) async fn resolve(&self, id: SessionId, stored: &Stored) -> Result<Resolved> {
        let version = stored.version;
        match self.0.read_record(&id, stored)? {
            Some(Content::Session(data, kept)) => {
                let found = Found { id, data, kept, version };
                match self.0.over(&found.data) {
                    None => Ok(Resolved::Found(found)),
                    Some(reason) => Box::pin(self.remove_ended(&found, reason)).await,
                }
            }
            Some(Content::Forward(Forward { to, until })) if self.0.clock.now() < until => {
                Ok(Resolved::Elsewhere(to))
            }
            Some(Content::Forward(_)) => Ok(Resolved::Rejected(Rejection::Moved)),
            Some(Content::Arriving(Arriving { from, data, kept })) => {
                Box::pin(self.arrive(from, Found { id, data, kept, version })).await
            }
            #[cfg(feature = "python")]
            Some(Content::Emptied) => Ok(Resolved::Rejected(Rejection::Unknown)),
            None => {
                self.0.damaged.fetch_add(1, Ordering::Relaxed);
                Ok(Resolved::Rejected(Rejection::Damaged))
            }
        }
    }

    async fn remove_ended(&self, found: &Found, reason: Rejection) -> Result<Resolved> {
        self.records().delete(&self.key(&found.id), Precondition::Unchanged(found.version)).await?;
        Ok(Resolved::Rejected(reason))
    }

    /// Does what is left of a move, which was begun and not ended: by one that is at it now, or that has
    /// crashed.
    async fn arrive(&self, from: SessionId, mut found: Found) -> Result<Resolved> {
        if self.forwards(&from).await? != Some(found.id) {
            return Ok(Resolved::Rejected(Rejection::Unknown));
        }
        let (key, unchanged) = (self.key(&found.id), Precondition::Unchanged(found.version));
        let accessed = found.data.accessed;
        match self.put(&key, &mut found.data, &found.kept, accessed, None, unchanged).await? {
            Some(version) => match self.0.over(&found.data) {
                None => Ok(Resolved::Found(Found { version, ..found })),
                Some(reason) => self.remove_ended(&Found { version, ..found }, reason).await,
            },
            None => Ok(Resolved::Elsewhere(found.id)),
        }
    }
}
