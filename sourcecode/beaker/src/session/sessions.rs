//! [`Sessions`]: makes, opens and loads sessions. All options are here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::data::{self, SessionCodec, SessionData};
use super::{Origin, Rejection, Session, SessionId};
use crate::backend::Backend;
use crate::clock::{Clock, SystemClock};
use crate::codec::{Bincode, Codec};
use crate::cookie::{self, CookieOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};
use crate::signing::Signer;
use crate::store::{Stored, When};

/// The sessions of an application: where they are stored, and by which rules. A clone is the same
/// sessions.
#[derive(Debug, Clone)]
pub struct Sessions(pub(super) Arc<Options>);

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) backend: Backend,
    pub(super) namespace: Namespace,
    pub(super) codec: SessionCodec,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timeout: Option<Duration>,
    pub(super) save_accessed_time: bool,
    pub(super) auto: bool,
    pub(super) signer: Option<Signer>,
    pub(super) cookie: CookieOptions,
    damaged: Arc<AtomicU64>,
}

impl Sessions {
    /// Sessions in this back end. They never time out, and are reached by id alone, until
    /// [`timeout`](Sessions::timeout) and [`signed_by`](Sessions::signed_by) say otherwise.
    pub fn new(backend: Backend) -> Sessions {
        Sessions(Arc::new(Options {
            backend,
            namespace: Namespace::default(),
            codec: Arc::new(Bincode),
            clock: Arc::new(SystemClock),
            timeout: None,
            save_accessed_time: true,
            auto: false,
            signer: None,
            cookie: CookieOptions::default(),
            damaged: Arc::default(),
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Sessions {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Ends a session that was not used for so long. Set one in a server: without it, sessions
    /// that nobody comes back to are stored for ever.
    pub fn timeout(self, timeout: Duration) -> Sessions {
        self.with(|options| options.timeout = Some(timeout))
    }

    /// Signs the ids in cookies, and believes only what it signed. [`load`](Sessions::load) needs it.
    pub fn signed_by(self, signer: Signer) -> Sessions {
        self.with(|options| options.signer = Some(signer))
    }

    /// How the cookie is sent.
    pub fn cookie(self, cookie: CookieOptions) -> Sessions {
        self.with(|options| options.cookie = cookie)
    }

    /// Saves at the end of a request whatever was changed, without a call of `save`. Off by
    /// default, as in Beaker. For the middleware.
    pub fn auto(self, auto: bool) -> Sessions {
        self.with(|options| options.auto = auto)
    }

    /// Whether a request that only reads writes down when it came. On by default; when off, there
    /// can be no time-out, which counts from then.
    pub fn save_accessed_time(self, save: bool) -> Sessions {
        self.with(|options| options.save_accessed_time = save)
    }

    /// What new records are written in. Records in bincode and JSON are read whatever is set here.
    pub fn codec(self, codec: impl Codec<SessionData>) -> Sessions {
        self.with(|options| options.codec = Arc::new(codec))
    }

    /// Keeps these sessions apart from others in the same back end.
    pub fn namespace(self, name: &str) -> Sessions {
        self.with(|options| options.namespace = Namespace::new(name))
    }

    /// Goes by another clock than the system's.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Sessions {
        self.with(|options| options.clock = clock)
    }

    /// Refuses options that do not fit together. The middleware asks this when it is made.
    pub fn check(&self) -> Result<()> {
        if self.0.timeout.is_some() && !self.0.save_accessed_time {
            let why = "a session's `timeout` counts from its last access, so it needs `save_accessed_time`";
            return Err(Error::config(why));
        }
        self.0.cookie.check()
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
        match self.find(id)? {
            Ok((data, stored)) => Ok(Session::loaded(self.clone(), *id, data, stored.version)),
            Err(reason) => Err(Error::new(
                ErrorKind::UnknownSession,
                format!(
                    "there is no session `{id}` ({reason:?}): it was never saved, or it has ended"
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
        let signer = self.signer()?;
        let name = self.0.cookie.get_name();
        let mut origin = Origin::New;
        for value in cookie_header.into_iter().flat_map(|header| cookie::find(header, name)) {
            let reason = match signer.verify(name, value).map(str::parse) {
                None => Rejection::Signature,
                Some(Err(_)) => Rejection::Id,
                Some(Ok(id)) => match self.find(&id)? {
                    Ok((data, stored)) => {
                        let session = Session::loaded(self.clone(), id, data, stored.version);
                        return Ok(session.known_to_the_visitor());
                    }
                    Err(reason) => reason,
                },
            };
            origin = Origin::Rejected(reason);
        }
        Ok(Session::new(self.clone(), origin, None))
    }

    /// How often what was stored turned out to be damaged, and was treated as no session.
    pub fn damaged(&self) -> u64 {
        self.0.damaged.load(Ordering::Relaxed) + self.0.backend.store.damaged()
    }

    pub(crate) fn signer(&self) -> Result<&Signer> {
        self.0.signer.as_ref().ok_or_else(|| {
            Error::config(
                "there is no key to sign cookies with; give `Sessions::signed_by` a `Signer`",
            )
        })
    }

    pub(super) fn key(&self, id: &SessionId) -> Key {
        self.0.namespace.key(id.as_str())
    }

    /// What is stored under an id and may be used.
    pub(super) fn find(&self, id: &SessionId) -> Result<Result<(SessionData, Stored), Rejection>> {
        let Some(stored) = self.0.backend.store.get(&self.key(id))? else {
            return Ok(Err(Rejection::Unknown));
        };
        let Some(data) = data::read(&stored, &self.0.codec) else {
            self.0.damaged.fetch_add(1, Ordering::Relaxed);
            return Ok(Err(Rejection::Damaged));
        };
        let is_over = |timeout| self.0.clock.now().since(data.accessed) > timeout;
        if self.0.timeout.is_some_and(is_over) {
            self.0.backend.store.delete(&self.key(id), When::Unchanged(stored.version))?;
            return Ok(Err(Rejection::TimedOut));
        }
        Ok(Ok((data, stored)))
    }
}
