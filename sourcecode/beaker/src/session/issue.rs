//! Putting a session into the cookie that the visitor gets.

use super::Session;
use super::changes::Changes;
use super::data::SessionData;
use super::in_cookie::{Carrier, check_size};
use crate::error::Result;
use crate::store::Version;

impl Session {
    /// What was changed; without a change, the cookie that the visitor has will do.
    pub(super) fn write_into_cookie(&mut self, carrier: &Carrier) -> Result<()> {
        let is_kept = self.stored.is_some() && self.in_cookie.is_some_and(|it| it.id == self.id);
        if is_kept && self.changes.is_empty() {
            return self.note_access();
        }
        self.issue(carrier, &self.data.clone())?;
        self.moves_from = None;
        self.changes = Changes::none();
        Ok(())
    }

    pub(super) fn issue(&mut self, carrier: &Carrier, data: &SessionData) -> Result<()> {
        let options = &self.sessions.0;
        let name = options.cookie.get_name();
        let now = self.time().max(data.accessed);
        let data = SessionData { accessed: now, ..data.clone() };
        let value = carrier.pack(name, &self.id, &data, &options.codec)?;
        let header = options.cookie.set(&value, options.longest_cookie(data.created, now));
        check_size(name, &header)?;
        self.issued = Some(header);
        // There is no store to number its writes.
        self.stored = Some(Version::new(0));
        Ok(())
    }
}
