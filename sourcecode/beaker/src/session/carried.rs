//! Sessions that are kept in cookies: how they are asked for.

use std::sync::Arc;

use super::Sessions;
use super::in_cookie::Carrier;
use super::options::Options;
use crate::backend::Backend;
use crate::sealing::Sealer;
use crate::signing::Signer;

impl Sessions {
    /// Sessions that the visitor's browser keeps, signed: visitors can read them and cannot change
    /// them. No store is needed; a signer in Beaker's format makes cookies that Beaker reads, with
    /// its `data_serializer = json`.
    ///
    /// Such a session holds 3 kB or so, and cannot be called back: an old cookie stays good until
    /// its `timeout` or `lifetime`, even after `delete`. Two requests at once overwrite each other.
    pub fn in_signed_cookies(signer: Signer) -> Sessions {
        Sessions::carried_by(Carrier::Signed(signer))
    }

    /// The same, sealed: visitors can neither read nor change them.
    pub fn in_sealed_cookies(sealer: Sealer) -> Sessions {
        Sessions::carried_by(Carrier::Sealed(sealer))
    }

    fn carried_by(carrier: Carrier) -> Sessions {
        let options = Options::new(Backend::null());
        Sessions(Arc::new(Options { carrier: Some(Arc::new(carrier)), ..options }))
    }
}
