//! Putting a session into the cookie that the visitor gets.

use std::mem;

use super::changes::Changes;
use super::data::SessionData;
use super::in_cookie::Carrier;
use super::options::Options;
use super::unreadable::Unreadable;
use super::{Session, SessionId};
use crate::error::Result;
use crate::store::Version;

impl Session {
    /// Issues a cookie with all that there is, changed or not: whoever saves wants it to be sent.
    pub(super) fn write_into_cookie(&mut self, carrier: &Carrier) -> Result<()> {
        let now = self.time().max(self.data.accessed);
        let loaded = mem::replace(&mut self.data.accessed, now);
        let header = self.sessions.0.header(carrier, &self.id, &self.data, self.unreadable());
        self.data.accessed = loaded;
        self.issued(header?);
        self.moves_from = None;
        let mut unreadable = mem::take(&mut self.unreadable);
        unreadable.retain(|entry| !self.replaces(entry));
        self.unreadable = unreadable;
        self.changes = Changes::none();
        Ok(())
    }

    /// Issues a cookie with what was loaded, and the access noted as of now.
    pub(super) fn renew_cookie(&mut self, carrier: &Carrier) -> Result<()> {
        let unchanged = self.unchanged();
        let data = SessionData { accessed: self.time().max(unchanged.accessed), ..unchanged };
        let header = self.sessions.0.header(carrier, &self.id, &data, &self.unreadable)?;
        self.issued(header);
        Ok(())
    }

    fn issued(&mut self, header: String) {
        self.issued = Some(header);
        // There is no store to number its writes.
        self.stored = Some(Version::new(0));
    }
}

impl Options {
    /// The `Set-Cookie` header with a session in it.
    fn header<'a>(
        &self,
        carrier: &Carrier,
        id: &SessionId,
        data: &SessionData,
        unreadable: impl IntoIterator<Item = &'a Unreadable>,
    ) -> Result<String> {
        self.check_codec()?;
        let value = carrier.pack(&self.cookie, id, data, unreadable, &self.codec)?;
        let header = self.cookie.set(&value, self.longest_cookie(data.created, data.accessed));
        carrier.check_size(self.cookie.get_name(), &value, &header)?;
        Ok(header)
    }
}
