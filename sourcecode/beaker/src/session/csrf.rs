//! A token against cross-site request forgery (CSRF): a page of another site can send a form in the visitor's name,
//! and the browser adds the session's cookie. What that page cannot do is read this token.
//!
//! A token is a nonce and a code of it, HMAC-SHA-256, whose key is the session's id:
//!
//! | bytes | what |
//! |---|---|
//! | 16 | random, another one for each token |
//! | 32 | HMAC-SHA-256 of a label and these 16, keyed with the id |
//!
//! So nothing has to be stored. Two requests that ask for the first token at the same time agree, and a new id
//! makes all tokens worthless. The id is a secret that the visitor's browser alone has, and a code says nothing
//! of its key. Since no two tokens have a byte in common but by chance, the length of a compressed page says
//! nothing of them (BREACH).

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::handle::SessionState;
use super::id::{self, SessionId};
use super::stored::Origin;
use crate::signing;

/// What is keyed with an id is never mistaken for something else that is.
const LABEL: &[u8] = b"beaker csrf token 1";

const NONCE: usize = 16;
const CODE: usize = 32;

/// A token that pages of other sites cannot read.
impl SessionState {
    /// Returns a token that proves that a form comes from a page of this session: 64 letters, digits, `-` and `_`, for
    /// a hidden field or a header. [`check_csrf`](SessionState::check_csrf) knows it again.
    ///
    /// Each call returns another one, and all of them hold until the session ends or
    /// [gets a new id](crate::Session::regenerate_id): so ask for it after a log-in, not before. None is stored, and
    /// a session that is saved already is not changed. A new one counts as changed from then on, since the token holds
    /// only for a session that the visitor has a cookie of: save it.
    ///
    /// # Panics
    ///
    /// If the system has no random numbers.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// let token = session.csrf_token();
    /// let form = format!(r#"<input type="hidden" name="csrf" value="{token}">"#);
    /// session.save()?;
    ///
    /// let next = sessions.open(session.id())?;
    /// assert!(next.check_csrf(&token) && !next.check_csrf("forged"));
    /// assert!(!sessions.create().check_csrf(&token));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "xsrf_token")]
    #[doc(alias = "authenticity_token")]
    pub fn csrf_token(&mut self) -> String {
        // What cannot be saved must not fail for a token either.
        if self.is_new() && self.origin() != Origin::Unavailable {
            self.changes.want_to_be_stored();
        }
        let nonce = id::nonce();
        let code = keyed(self.id(), &nonce).finalize().into_bytes();
        let mut token = [0; NONCE + CODE];
        token[..NONCE].copy_from_slice(&nonce);
        token[NONCE..].copy_from_slice(&code);
        BASE64URL_NOPAD.encode(&token)
    }

    /// Tells whether a text is a [token](SessionState::csrf_token) of this session. However much of it is right, that
    /// takes the same time.
    ///
    /// A request that changes something is refused where this is `false`; requests that only read need no
    /// token. Without the visitor's cookie the session is a new one, for which no token from before holds.
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.save()?;
    /// let before = session.csrf_token();
    /// session.regenerate_id()?;
    /// assert!(!session.check_csrf(&before));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "verify_csrf")]
    #[must_use]
    pub fn check_csrf(&self, token: &str) -> bool {
        let token: Option<[u8; NONCE + CODE]> = signing::decode(&BASE64URL_NOPAD, token);
        token.is_some_and(|token| {
            let (nonce, code) = token.split_at(NONCE);
            keyed(self.id(), nonce).verify_slice(code).is_ok()
        })
    }
}

fn keyed(id: &SessionId, nonce: &[u8]) -> Hmac<Sha256> {
    let keyed: Hmac<Sha256> = signing::keyed(id.as_str().as_bytes());
    keyed.chain_update(LABEL).chain_update(nonce)
}
