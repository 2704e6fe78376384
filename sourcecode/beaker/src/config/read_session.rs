//! Reads raw settings into the options of sessions: what belongs to a format or a place, and what does not go
//! together.

use std::collections::BTreeSet;

use super::backend::BackendConfig;
use super::name;
use super::open::{BEAKER_IS_NOT_BINCODE, LOCAL_TTL, NO_KEY, PICKLE_IS_BEAKERS};
use super::read::RawBackend;
use super::reader::{Problems, Reader};
use super::session::{
    self, CookieFormat, CryptoType, Place, Secure, Serializer, SessionConfig, SessionFormat,
};
use super::settings::Settings;
use crate::error::Result;

impl SessionConfig {
    pub(super) fn read(settings: &Settings, problems: &Problems) -> SessionConfig {
        let reader = &Reader::new(settings, "session.", name::session(), problems);
        let mut config = SessionConfig::new(place(reader));
        reader.read_all(session::OPTIONS, &mut config);
        config.check_format(reader);
        config.check_cookie(reader);
        config.check_proxies(reader);
        config.check_times(reader);
        config.check_local_tier(reader);
        config.check_keys(reader);
        match config.format {
            SessionFormat::Own => reader.finish(&BTreeSet::new(), &[]),
            SessionFormat::Beaker => reader.finish(&BTreeSet::new(), name::PYTHONS),
        }
        config
    }

    /// Notes a place where Beaker keeps nothing that could be shared.
    fn check_shared_place(&self, reader: &Reader<'_>) {
        let Place::Backend(backend) = &self.place else { return };
        const SHARED: [&str; 6] = [
            "file",
            "ext:memcached",
            "ext:redis",
            "ext:rediscluster",
            "ext:redissentinel",
            "ext:database",
        ];
        if SHARED.contains(&backend.name()) {
            return;
        }
        let what = "Python shares sessions in `file`, `ext:memcached`, `ext:redis`, `ext:database` and `cookie`";
        match reader.is_given("type") {
            true => reader.wrong("type", what),
            false => reader.missing("type", what),
        }
    }

    /// Settles what belongs to a format, and notes what does not fit it.
    fn check_format(&mut self, reader: &Reader<'_>) {
        if self.format == SessionFormat::Beaker {
            if !cfg!(feature = "python") {
                reader.wrong("format", "turn on the feature `python` of the crate `beaker`");
            }
            let says_own =
                reader.is_given("cookie_format") && self.cookie_format == CookieFormat::Own;
            if says_own {
                let what =
                    "with `session.format = beaker` the cookie is Beaker's too; leave it out";
                reader.wrong("cookie_format", what);
            }
            self.cookie_format = CookieFormat::Beaker;
            self.check_shared_place(reader);
            for option in ["grace", "max_per_user", "local_tier", "local_ttl"] {
                reader.wrong(option, "Python knows nothing of it; leave it out");
            }
        } else {
            let what = "it is for `session.format = beaker`: other damaged data always opens a new session";
            reader.wrong("invalidate_corrupt", what);
        }
        match (reader.is_given("data_serializer"), self.data_serializer) {
            (false, _) => self.data_serializer = self.usual_serializer(),
            (true, Serializer::Bincode) if self.is_beakers() => {
                reader.wrong("data_serializer", BEAKER_IS_NOT_BINCODE);
            }
            (true, Serializer::Pickle) if self.format == SessionFormat::Own => {
                reader.wrong("data_serializer", PICKLE_IS_BEAKERS);
            }
            (true, _) => {}
        }
        if !self.encrypts_as_beaker() && reader.is_given("encrypt_nonce_bits") {
            reader.wrong(
                "encrypt_nonce_bits",
                "it is for `encrypt_key` in Beaker's format; leave it out",
            );
        }
        if !self.encrypts_as_beaker() && self.crypto_type == Some(CryptoType::Pycryptodome) {
            reader.wrong("crypto_type", "it is for `encrypt_key` in Beaker's format; leave it out");
        }
    }

    /// Each of the cookie's options is right alone, so this is about two of them together.
    fn check_cookie(&self, reader: &Reader<'_>) {
        if let Err(error) = self.cookie.options().check() {
            let is_never_secure = self.cookie.secure == Secure::Never;
            let option = if is_never_secure { "secure" } else { "key" };
            reader.wrong(option, &error.to_string());
        }
    }

    fn check_proxies(&self, reader: &Reader<'_>) {
        if self.cookie.secure != Secure::Auto {
            for option in ["trusted_proxies", "proxy_header"] {
                reader.wrong(option, "it is for `session.secure = auto`; leave it out");
            }
        } else if self.cookie.trusted_proxies.is_none() && !reader.is_given("trusted_proxies") {
            let what = "`session.secure = auto` believes nobody without them; name the addresses of the proxies";
            reader.missing("trusted_proxies", what);
        }
    }

    fn check_times(&self, reader: &Reader<'_>) {
        let Some(timeout) = self.timeout else { return };
        if !self.save_accessed_time {
            let what = "`timeout` counts from the last access, so accesses have to be noted";
            reader.wrong("save_accessed_time", what);
        }
        if self.touch_every.is_some_and(|touch_every| touch_every >= timeout) {
            let seconds = timeout.as_secs();
            let what = format!("it has to be less than `timeout`, {seconds} seconds");
            reader.wrong("touch_every", &what);
        }
    }

    fn check_local_tier(&self, reader: &Reader<'_>) {
        if !reader.is_given("local_tier") && !self.is_in_cookies() {
            for option in ["local_ttl", "check_tier_every"] {
                reader.wrong(option, "it is for `local_tier`, which is missing");
            }
            return;
        }
        let time = self.local_ttl.unwrap_or(LOCAL_TTL);
        if !self.is_in_cookies() && self.check_tier_every.is_some_and(|every| every >= time) {
            let time = time.as_millis();
            let what = format!("it has to be less than `local_ttl`, {time} milliseconds");
            reader.wrong("check_tier_every", &what);
        }
    }

    /// Notes what is wrong with the keys.
    fn check_keys(&self, reader: &Reader<'_>) {
        let judge = |reader: &Reader<'_>, option, made: Result<()>| {
            if let Err(error) = made {
                reader.wrong(option, &error.to_string());
            }
        };
        if !self.is_in_cookies() {
            if self.format == SessionFormat::Own {
                for option in ["validate_key", "encrypt_key"] {
                    reader.wrong(option, "it is for `session.type = cookie`; `secret` signs ids");
                }
            }
            #[cfg(feature = "python")]
            if let (SessionFormat::Beaker, Some(encrypt)) = (self.format, &self.encrypt_key) {
                judge(reader, "encrypt_key", self.sealer(encrypt).map(drop));
            }
            if let Some(secret) = &self.secret {
                judge(reader, "secret", self.signer(secret).map(drop));
            }
            return;
        }
        reader.wrong("secret", "it signs ids; `validate_key` signs sessions in cookies");
        match (&self.validate_key, &self.encrypt_key) {
            (None, None) if reader.is_given("validate_key") || reader.is_given("encrypt_key") => {}
            (None, None) => reader.missing("validate_key", NO_KEY),
            (Some(validate), None) => {
                judge(reader, "validate_key", self.signer(validate).map(drop));
            }
            #[cfg(feature = "cookies")]
            (_, Some(encrypt)) => judge(reader, "encrypt_key", self.sealer(encrypt).map(drop)),
            #[cfg(not(feature = "cookies"))]
            (_, Some(_)) => {}
        }
        if self.encrypt_key.is_some() && self.cookie_format == CookieFormat::Own {
            reader.wrong("validate_key", "`encrypt_key` is all that sealing needs; leave it out");
        }
    }
}

fn place(reader: &Reader<'_>) -> Place {
    let raw = RawBackend::read(reader, &["cookie"]);
    if reader.said("type") == Some("cookie") {
        if !cfg!(feature = "cookies") {
            reader.wrong("type", "turn on the feature `cookies` of the crate `beaker`");
        }
        for option in raw.given() {
            reader.wrong(option, "sessions in cookies have no backend; leave it out");
        }
        if reader.is_given("grace") {
            reader.wrong("grace", "an old cookie stays good anyway; leave it out");
        }
        for option in ["local_tier", "local_ttl", "check_tier_every"] {
            reader.wrong(option, "sessions in cookies are read from no store; leave it out");
        }
        if reader.is_given("max_per_user") {
            reader.wrong("max_per_user", "the server does not know whose they are; leave it out");
        }
        return Place::Cookie;
    }
    let default = if raw.gives("data_dir") { "file" } else { "memory" };
    raw.note_surplus(&raw.given(), reader, default, |_| false);
    Place::Backend(raw.settle(reader, default).unwrap_or_else(BackendConfig::memory))
}
