//! Reads the options of sessions.

use std::collections::BTreeSet;
use std::time::Duration;

use super::sessions::BEAKER_IS_JSON;
use super::{
    CookieFormat, FORMATS, Keys, Place, SERIALIZERS, STORE_FAILURES, Serializer, SessionConfig,
};
use crate::config::backend::{BackendConfig, RawBackend};
use crate::config::cookie::CookieConfig;
use crate::config::name;
use crate::config::problem::Problems;
use crate::config::reader::Reader;
use crate::config::settings::Settings;
use crate::config::words::{self, ParseResult};
use crate::nearest::nearest;
use crate::session::{DEFAULT_PER_USER, MOST_PER_USER};

/// In seconds.
const LONGEST_COPY: usize = 60;

const MOST_COPIES: usize = 10_000_000;
const DEFAULT_COPIES: usize = 10_000;

impl SessionConfig {
    pub(in crate::config) fn read(settings: &Settings, problems: &Problems) -> SessionConfig {
        let reader = &Reader::new(settings, "session.", name::session(), problems);
        let place = place(reader);
        let cookie_format = reader.read("cookie_format", |word| words::choice(word, &FORMATS));
        let cookie_format = cookie_format.unwrap_or(CookieFormat::Own);
        let is_json = place == Place::Cookie && cookie_format == CookieFormat::Beaker;
        let keys = |text| -> ParseResult<Keys> { Ok(Keys::new(text)) };
        let config = SessionConfig {
            timeout: reader.read("timeout", words::seconds_or_never).flatten(),
            lifetime: reader.read("lifetime", words::seconds_or_never).flatten(),
            touch_every: reader.read("touch_every", words::seconds),
            grace: reader.read("grace", words::grace).unwrap_or_default(),
            max_per_user: reader
                .read("max_per_user", |word| words::number_in(word, 1..=MOST_PER_USER))
                .unwrap_or(DEFAULT_PER_USER),
            local_tier: reader
                .read("local_tier", |word| words::number_in(word, 1..=LONGEST_COPY))
                .map(|seconds| Duration::from_secs(seconds as u64)),
            local_tier_capacity: reader
                .read("local_tier_capacity", |word| words::number_in(word, 1..=MOST_COPIES))
                .unwrap_or(DEFAULT_COPIES),
            save_accessed_time: reader.read("save_accessed_time", words::boolean).unwrap_or(true),
            auto: reader.read("auto", words::boolean).unwrap_or(false),
            cookie: CookieConfig::read(reader),
            remove_rejected: reader.read("remove_rejected", words::boolean).unwrap_or(true),
            on_store_failure: reader
                .read("on_store_failure", |word| words::choice(word, &STORE_FAILURES))
                .unwrap_or_default(),
            data_serializer: reader
                .read("data_serializer", |word| serializer(word, is_json))
                .unwrap_or(if is_json { Serializer::Json } else { Serializer::Bincode }),
            secret: reader.read("secret", keys),
            validate_key: reader.read("validate_key", keys),
            encrypt_key: reader.read("encrypt_key", keys),
            place,
            cookie_format,
        };
        reader.read("crypto_type", cipher);
        config.check_times(reader);
        if !reader.is_given("local_tier") && !config.is_in_cookies() {
            reader.wrong("local_tier_capacity", "there are copies with a `local_tier` alone");
        }
        config.check_keys(reader);
        reader.finish(&BTreeSet::new());
        config
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
}

fn place(reader: &Reader<'_>) -> Place {
    let raw = RawBackend::read(reader, &["cookie"]);
    if reader.is("type", "cookie") {
        if !cfg!(feature = "cookies") {
            reader.wrong("type", "turn on the feature `cookies` of the crate `beaker`");
        }
        for option in raw.given() {
            reader.wrong(option, "sessions in cookies have no back end; leave it out");
        }
        if reader.is_given("grace") {
            reader.wrong("grace", "an old cookie stays good anyway; leave it out");
        }
        for option in ["local_tier", "local_tier_capacity"] {
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

/// Beaker's name for the cipher: there is one, so nothing is chosen by it.
fn cipher(word: &str) -> ParseResult<()> {
    const GCM: [&str; 2] = ["cryptography", "default"];
    const CTR: [&str; 2] = ["pycryptodome", "pycrypto"];
    let word = word.to_lowercase();
    if GCM.contains(&word.as_str()) {
        return Ok(());
    }
    if CTR.contains(&word.as_str()) {
        let why = "it seals with AES-CTR, which is neither written nor read here; set `cryptography`, \
                   which is AES-256-GCM, here and on Python's side";
        return Err(why.into());
    }
    if ["nss", "jce"].contains(&word.as_str()) {
        return Err("Beaker has it no more; set `cryptography`, here and on Python's side".into());
    }
    Err(match nearest(&word, GCM.into_iter().chain(CTR)) {
        Some(near) => format!("there is no such cipher; did you mean `{near}`?"),
        None => "there is one cipher, AES-256-GCM: `cryptography`; or leave it out".into(),
    })
}

fn serializer(word: &str, is_json: bool) -> ParseResult<Serializer> {
    if word.eq_ignore_ascii_case("pickle") {
        return Err(
            "reading a pickle can run any code that is in it; take `bincode` or `json`".into()
        );
    }
    match words::choice(word, &SERIALIZERS)? {
        Serializer::Bincode if is_json => Err(BEAKER_IS_JSON.into()),
        serializer => Ok(serializer),
    }
}
