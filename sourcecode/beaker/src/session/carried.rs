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
    ///
    /// # In Beaker's format
    ///
    /// - What Python stores comes back to Python as it was, also what no [`Value`](crate::Value) can hold:
    ///   see [`unreadable`](super::Session::unreadable). [`Value::Bytes`](crate::Value::Bytes), for which
    ///   JSON has no form, are a dictionary with the one key `$bytes` there, and their digits in hex.
    /// - The keys `_id`, `_path`, `_domain`, `_creation_time` and `_accessed_time` are Beaker's own; a save
    ///   with a value under one of them fails with `ErrorKind::Config`.
    /// - The cookie says the path and the domain of the [`CookieOptions`](crate::CookieOptions), and Beaker
    ///   sends it with these, so both sides need the same.
    /// - The value has 4,076 bytes at most, and with its name 4,096. Beaker fails at 4,105, even if a request
    ///   only reads, and its zlib may need a few bytes more than ours for the same session. So one that
    ///   Python has filled to the last bytes can be loaded, and may be too large to be saved.
    /// - A session that is only read is sent anew after a minute: Beaker ends it by a `timeout` that we do not
    ///   know. [`touch_every`](Sessions::touch_every) sets another time.
    /// - Python's `data_serializer = pickle` is not read, and neither is its cipher of `pycryptodome`.
    ///
    /// Such a cookie that cannot be read is removed from the browser, as any that is rejected. Turn
    /// [`remove_rejected`](Sessions::remove_rejected) off while Python still writes pickles.
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
