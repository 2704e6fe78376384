//! A token against cross-site request forgery (CSRF). A page of another site can make a visitor's browser
//! send a form, to which the browser adds the session's cookie. That page cannot read this token, however, so
//! it cannot send it.
//!
//! A token is a random nonce and its HMAC-SHA-256, keyed with the session's id:
//!
//! | bytes | what |
//! |---|---|
//! | 16 | random, another one for each token |
//! | 32 | HMAC-SHA-256 of a label and these 16, keyed with the id |
//!
//! Nothing has to be stored, therefore. Two requests that ask for the first token at the same time both get
//! valid ones, and a new id invalidates all tokens. The id is a secret that only the visitor's browser knows,
//! and an HMAC reveals nothing about its key. Any two tokens differ in all their bytes except by chance, so
//! the length of a compressed page reveals nothing about them (BREACH).

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::handle::SessionState;
use super::id::{self, SessionId};
use super::stored::Origin;
use crate::signing;

/// Separates this HMAC from all others that are keyed with an id.
const LABEL: &[u8] = b"beaker csrf token 1";

const NONCE: usize = 16;
const CODE: usize = 32;

/// Tokens against request forgery.
impl SessionState {
    /// Returns a token which proves that a form comes from a page of this session: 64 letters, digits, `-`
    /// and `_`, for a hidden field or a header. [`check_csrf`](SessionState::check_csrf) verifies it.
    ///
    /// Each call returns a different token, and all of them are valid until the session ends or [gets a new
    /// id](crate::Session::regenerate_id); so ask for a token after a log-in, not before. Tokens are not
    /// stored, and asking for one does not change a saved session. A new session counts as changed afterwards
    /// and has to be saved, because the token is valid only if the visitor gets the session's cookie.
    ///
    /// # Panics
    ///
    /// Panics if the system has no random numbers.
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

    /// Returns whether a text is a [token](SessionState::csrf_token) of this session. The comparison takes
    /// constant time.
    ///
    /// Refuse a request that changes something if this is `false`; requests that only read need no token.
    /// Without the visitor's cookie the session is a new one, for which no earlier token is valid.
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
