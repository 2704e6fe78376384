//! [`Sessions`]: makes, opens and loads sessions.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::find::Found;
use super::options::Options;
use super::visitor::{InCookie, Visitor, ticket};
use super::{Origin, Rejection, Session, SessionId, Sessions, Unreadable};
use crate::backend::Backend;
use crate::cookie;
use crate::error::{Error, ErrorKind, Result};
use crate::signing::Signer;
#[cfg(feature = "cookies")]
use crate::store::Version;

/// What is found, by which cookie, and what in that no value can hold.
type Recognized = (Found, InCookie, Vec<Unreadable>);

impl Sessions {
    /// Sessions in this back end. They never time out, and are reached by id alone, until
    /// [`timeout`](Sessions::timeout) and [`signed_by`](Sessions::signed_by) say otherwise.
    pub fn new(backend: Backend) -> Sessions {
        Sessions(Arc::new(Options::new(backend)))
    }

    /// As [`Backend::ping`], with the back end that these sessions are in.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub fn ping(&self) -> Result<()> {
        self.0.backend.ping()
    }

    /// A new session. Nothing is stored until it is saved.
    pub fn create(&self) -> Session {
        Session::new(self.clone(), Origin::New, None)
    }

    /// The session that is saved under an id that the program trusts. An id from a visitor goes
    /// through [`load`](Sessions::load).
    ///
    /// # Errors
    ///
    /// `ErrorKind::UnknownSession` if none is stored there, or it has timed out or is damaged;
    /// what the store fails with.
    pub fn open(&self, id: &SessionId) -> Result<Session> {
        if self.0.is_in_cookies() {
            let why = "sessions in cookies are not reached by id; `load` takes the `Cookie` header";
            return Err(Error::config(why));
        }
        let events = &self.0.events;
        let _span = events.loading();
        let found = self.find(id)?.inspect(|found| events.loaded(&found.id));
        match found {
            Ok(found) => Ok(Session::loaded(self.clone(), found, None, self.0.clock.now())),
            Err(reason) => Err(Error::new(
                ErrorKind::UnknownSession,
                format!(
                    "there is no session `{}` ({reason:?}): it was never saved, or it has ended",
                    id.short()
                ),
            )),
        }
    }

    /// The session of a visitor, by the `Cookie` header of the request. Whatever is wrong with the
    /// cookie, the visitor gets a new session, whose [`origin`](Session::origin) says why.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if there is no [signer](Sessions::signed_by); what the store fails with.
    pub fn load(&self, cookie_header: Option<&str>) -> Result<Session> {
        self.recognize(cookie_header).map(|visitor| visitor.session(self.clone()))
    }

    /// Who the visitor is, by the `Cookie` header.
    pub(crate) fn recognize(&self, cookie_header: Option<&str>) -> Result<Visitor> {
        let events = &self.0.events;
        let _span = events.loading();
        let name = self.0.cookie.get_name();
        let mut origin = Origin::New;
        for value in cookie_header.into_iter().flat_map(|header| cookie::find(header, name)) {
            match self.load_value(value)? {
                Ok((found, in_cookie, unreadable)) => {
                    events.loaded(&found.id);
                    unreadable.iter().for_each(|entry| events.unreadable(&found.id, entry));
                    return Ok(Visitor::Known(found, in_cookie, unreadable));
                }
                Err(reason) => {
                    events.rejected(reason);
                    origin = Origin::Rejected(reason);
                }
            }
        }
        self.signer_or_carrier()?;
        Ok(Visitor::New(origin))
    }

    /// What a cookie of ours has or leads to.
    fn load_value(&self, value: &str) -> Result<Result<Recognized, Rejection>> {
        let options = &self.0;
        #[cfg(feature = "cookies")]
        if let Some(carrier) = &options.carrier {
            options.check_codec()?;
            let carried = match carrier.unpack(options.cookie.get_name(), value, &options.codec) {
                Ok(carried) => carried,
                Err(reason) => return Ok(Err(reason)),
            };
            if let Some(reason) = options.over(&carried.data) {
                return Ok(Err(reason));
            }
            let in_cookie = InCookie { id: carried.id, is_due: !carried.is_newest };
            // There is no store to number its writes.
            let version = Version::new(0);
            let found = Found { id: carried.id, data: carried.data, version };
            return Ok(Ok((found, in_cookie, carried.unreadable)));
        }
        let name = options.cookie.get_name();
        let Some(verified) = self.signer()?.verify(name, value) else {
            return Ok(Err(Rejection::Signature));
        };
        let Some((id, sent)) = ticket::read(verified.text) else {
            return Ok(Err(Rejection::Id));
        };
        Ok(self.find(&id)?.map(|found| {
            let is_due = !verified.is_newest || options.is_ticket_due(sent);
            (found, InCookie { id, is_due }, Vec::new())
        }))
    }

    /// How often what was stored turned out to be damaged, and was treated as no session.
    pub fn damaged(&self) -> u64 {
        self.0.damaged.load(Ordering::Relaxed) + self.0.backend.store.damaged()
    }

    /// Whether loading or saving a session may wait.
    #[cfg_attr(not(feature = "tower"), allow(dead_code))]
    pub(crate) fn blocks(&self) -> bool {
        self.0.backend.store.blocks()
    }

    pub(crate) fn signer_or_carrier(&self) -> Result<()> {
        if self.0.is_in_cookies() { Ok(()) } else { self.signer().map(drop) }
    }

    pub(super) fn signer(&self) -> Result<&Signer> {
        self.0.signer.as_ref().ok_or_else(|| {
            Error::config(
                "there is no key to sign cookies with; give `Sessions::signed_by` a `Signer`, or the \
                 settings a `session.secret`",
            )
        })
    }
}
