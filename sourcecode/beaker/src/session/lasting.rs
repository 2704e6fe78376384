//! The lifetime of a single session: setting it, and asking when the session ends.

use super::handle::SessionState;
use super::life::{LIFE, Life};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// A lifetime of its own, for visitors who want to be remembered.
impl SessionState {
    /// Sets how long this session lasts, independently of all others: "remember me". The stored record and
    /// the cookie's `Max-Age` follow with the next save. [`regenerate_id`](crate::Session::regenerate_id)
    /// keeps the setting, and [`revoke_all`](crate::Sessions::revoke_all) ends this session like the others
    /// of its user.
    ///
    /// - A `Duration` is [`Life::For`]: an idle timeout of its own, limited by `lifetime`.
    /// - A [`Timestamp`] is [`Life::Until`]: until that date, used or not.
    /// - [`Life::Browser`] is for shared computers, and [`Life::Default`] removes the setting.
    ///
    /// The setting is stored under the key `_life`, which [`clear`](SessionState::clear) removes like all
    /// others.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for a date in the past; for a duration of zero; for a duration that is longer than
    /// [`lifetime`](crate::Sessions::lifetime), which would end the session earlier; and for any duration if
    /// [`save_accessed_time`](crate::Sessions::save_accessed_time) is off. After an error nothing is changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use beaker::{Backend, Sessions, Signer};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// # let signer = Signer::new(&["0123456789abcdef0123456789abcdef"])?;
    /// const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    /// let sessions = Sessions::new(Backend::memory()).timeout(DAY / 48).signed_by(signer);
    /// let mut session = sessions.create();
    /// session.set_user("kimi");
    /// session.set_life(30 * DAY)?;
    /// session.regenerate_id()?;
    /// assert!(session.set_cookie()?.is_some_and(|header| header.contains("Max-Age=2592000")));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "remember_me")]
    #[doc(alias = "set_expiry")]
    #[doc(alias = "max_age")]
    pub fn set_life(&mut self, life: impl Into<Life>) -> Result<()> {
        let life = life.into();
        self.refuse_life(life)?;
        match life.written() {
            Some(value) => self.set(LIFE, value),
            None => drop(self.remove(LIFE)),
        }
        // The browser has to hear of it, whatever it has.
        if let Some(in_cookie) = &mut self.in_cookie {
            in_cookie.is_due = true;
        }
        Ok(())
    }

    /// Returns the setting of [`set_life`](SessionState::set_life).
    ///
    /// ```
    /// use beaker::session::Life;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let mut session = beaker::Sessions::new(beaker::Backend::memory()).create();
    /// assert_eq!(session.life(), Life::Default);
    /// session.set_life(Life::Browser)?;
    /// assert_eq!(session.life(), Life::Browser);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn life(&self) -> Life {
        self.data.life()
    }

    /// Returns when this session ends if it is not used again; `None` if it never ends.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use beaker::{Backend, Sessions};
    /// let hour = Duration::from_secs(60 * 60);
    /// let session = Sessions::new(Backend::memory()).timeout(hour).create();
    /// assert_eq!(session.ends_at(), Some(session.created() + hour));
    /// ```
    #[doc(alias = "expires_at")]
    #[doc(alias = "expiry_date")]
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.sessions.0.ends_at(&self.data)
    }

    fn refuse_life(&self, life: Life) -> Result<()> {
        let options = &self.sessions.0;
        let why = match life {
            Life::For(time) if time.is_zero() => {
                "it has no time at all; `delete` and `invalidate` end a session".to_owned()
            }
            Life::For(time) if options.lifetime.is_some_and(|lifetime| time > lifetime) => format!(
                "a `lifetime` ends each session sooner than {time:?} without use do; set a `Life::Until`, \
                 which goes beyond it, or a longer `lifetime`"
            ),
            Life::For(_) if !options.save_accessed_time => {
                "it counts from the last access, so it needs \
                 `save_accessed_time`; set a `Life::Until`, or turn that on"
                    .to_owned()
            }
            Life::Until(date) if date <= options.clock.now() => {
                "its date has passed; `delete` and `invalidate` end a session".to_owned()
            }
            Life::Default | Life::For(_) | Life::Until(_) | Life::Browser => return Ok(()),
        };
        Err(Error::config(format!("the life of the session `{}`: {why}", self.id.short())))
    }
}
