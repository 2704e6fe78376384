//! The devices of a user, for a page "where you are logged in" and its buttons.
//!
//! A session id is a credential, so the page must not contain it. It gets an HMAC-SHA-256 of the id,
//! truncated to 16 bytes, which identifies the session together with its user, but does not reveal the id.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::list::Ids;
use super::{Change, Ending, MayEnd};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::session::handle::SessionState;
use crate::session::id::SessionId;
use crate::session::options::Manager;
use crate::session::stored::SessionData;
use crate::signing;
use crate::value::Value;

/// Where a session says on which device it is.
const LABEL: &str = "_label";

/// The most characters of a label: it often is what a browser says of itself.
const LONGEST_LABEL: usize = 200;

/// Separates this HMAC from all others that are keyed with an id.
const PURPOSE: &[u8] = b"beaker device 1";

const LENGTH: usize = 16;

/// One session of a user, as the user sees it: an item of the result of
/// [`devices_of`](crate::Sessions::devices_of).
#[derive(Debug, Clone)]
pub struct Device {
    handle: DeviceHandle,
    label: Option<String>,
    created: Timestamp,
    last_seen: Timestamp,
    ends_at: Option<Timestamp>,
}

impl Device {
    /// Returns the handle with which this session can be ended. It may appear in a page, because no session
    /// can be opened with it.
    #[must_use]
    pub fn handle(&self) -> &DeviceHandle {
        &self.handle
    }

    /// Returns the label set with [`set_label`](SessionState::set_label). It may be text from the browser, so
    /// a template has to escape it.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Returns when the session began.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// Returns when the session was last used; with [`touch_every`](crate::Sessions::touch_every), when an
    /// access was last noted.
    #[must_use]
    pub fn last_seen(&self) -> Timestamp {
        self.last_seen
    }

    /// Returns when the session ends if it is not used again; `None` if it never ends.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at
    }
}

/// Identifies a device in a page: 22 letters, digits, `-` and `_`, derived from the session's id without
/// revealing it.
///
/// ```
/// use beaker::session::DeviceHandle;
///
/// # fn main() -> beaker::Result<()> {
/// let session = beaker::Sessions::new(beaker::Backend::memory()).create();
/// let text = session.device().to_string();
/// assert_eq!(text.parse::<DeviceHandle>()?, session.device());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceHandle([u8; LENGTH]);

impl DeviceHandle {
    fn of(id: &SessionId) -> DeviceHandle {
        let keyed: Hmac<Sha256> = signing::keyed(id.as_str().as_bytes());
        let code: [u8; 32] = keyed.chain_update(PURPOSE).finalize().into_bytes().into();
        DeviceHandle(*code.first_chunk().unwrap_or(&[0; LENGTH]))
    }
}

impl fmt::Display for DeviceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for DeviceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceHandle({self})")
    }
}

/// # Errors
///
/// `ErrorKind::UnknownSession` for any text that is not a handle.
impl FromStr for DeviceHandle {
    type Err = Error;

    fn from_str(text: &str) -> Result<DeviceHandle> {
        let wrong = || {
            let what =
                "a device's handle is 22 letters, digits, `-` and `_`, as `devices_of` gave it";
            Error::new(ErrorKind::UnknownSession, what)
        };
        signing::decode(&BASE64URL_NOPAD, text).map(DeviceHandle).ok_or_else(wrong)
    }
}

/// The device of a session.
impl SessionState {
    /// Sets the label of the device for [`devices_of`](crate::Sessions::devices_of), usually at the log-in
    /// and from the browser's `User-Agent`. It is stored under the key `_label`, truncated to 200 characters.
    ///
    /// ```
    /// let mut session = beaker::Sessions::new(beaker::Backend::memory()).create();
    /// session.set_label("Firefox on Linux");
    /// assert_eq!(session.label(), Some("Firefox on Linux"));
    /// ```
    pub fn set_label(&mut self, label: &str) {
        let end = label.char_indices().nth(LONGEST_LABEL).map_or(label.len(), |(at, _)| at);
        self.set(LABEL, &label[..end]);
    }

    /// Returns the label set with [`set_label`](SessionState::set_label).
    pub fn label(&self) -> Option<&str> {
        self.get(LABEL).and_then(Value::as_str)
    }

    /// Returns the handle of this session in [`devices_of`](crate::Sessions::devices_of), to mark it in the
    /// list as "this device". A [new id](crate::Session::regenerate_id) changes the handle.
    #[must_use]
    pub fn device(&self) -> DeviceHandle {
        DeviceHandle::of(self.id())
    }
}

impl Manager {
    /// Returns a user's sessions as the user sees them, oldest first.
    pub(in crate::session) async fn devices_of(&self, user: &str) -> Result<Vec<Device>> {
        self.check_is_stored()?;
        let (list, _) = self.listed(&self.user_key(user)).await?;
        let mut devices = Vec::with_capacity(list.entries.len());
        let add = |id: SessionId, data: &SessionData| devices.push(self.device(&id, data));
        self.for_each_living(&list.entries, user, add).await?;
        Ok(devices)
    }

    fn device(&self, id: &SessionId, data: &SessionData) -> Device {
        Device {
            handle: DeviceHandle::of(id),
            label: data.values.get(LABEL).and_then(Value::as_str).map(str::to_owned),
            created: data.created,
            last_seen: data.accessed,
            ends_at: self.0.ends_at(data),
        }
    }

    /// Ends one of a user's sessions, and tells whether there was one.
    pub(in crate::session) async fn end_device(
        &self,
        user: &str,
        handle: &DeviceHandle,
    ) -> Result<bool> {
        self.check_is_stored()?;
        let (list, _) = self.listed(&self.user_key(user)).await?;
        let mut ids = list.entries.iter().filter_map(super::list::Entry::id);
        let Some(id) = ids.find(|id| DeviceHandle::of(id) == *handle) else { return Ok(false) };
        let may = MayEnd::Of { user, except: None };
        let Ending::Ended(at) = self.end_if(&id, may).await? else { return Ok(false) };
        let mut ended = Ids::default();
        ended.extend([id.digits(), at.digits()]);
        self.rewrite_list(user, Change::Drop { ended: &ended }).await?;
        Ok(true)
    }
}
