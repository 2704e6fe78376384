//! [`SessionConfig`] and [`CookieConfig`]: the options of sessions, typed.

use std::time::Duration;

use super::backend::BackendConfig;
use super::print::Keys;
use super::words::{
    self, ConfigOption, ParseResult, Printed, boolean, chosen, in_seconds, in_seconds_or_never,
    set, shown,
};
use crate::cookie::{CookieLifetime, CookieOptions, CookiePriority, SameSite};
use crate::nearest::nearest;
use crate::proxies::{ProxyHeader, TrustedProxies};
use crate::session::{DEFAULT_PER_USER, MOST_PER_USER, OnStoreFailure};

/// The options under `session.…`. They print as lines of `key = value`, with secrets hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionConfig {
    /// `type` and the backend's options: where sessions are stored.
    pub place: Place,
    /// `timeout`: the idle timeout; `None` means never.
    pub timeout: Option<Duration>,
    /// `lifetime`: the absolute timeout; `None` means never.
    pub lifetime: Option<Duration>,
    /// `touch_every`: an access is noted only if the last noted one is at least this long ago.
    pub touch_every: Option<Duration>,
    /// `grace`: how long an old id leads to the session; zero turns this off.
    pub grace: Duration,
    /// `max_per_user`: the maximum number of sessions of a user; beyond it, the oldest ends.
    pub max_per_user: usize,
    /// `local_tier`: the maximum number of sessions with a copy in the memory of this process; `None` turns
    /// this off.
    pub local_tier: Option<usize>,
    /// `local_ttl`: how long such a copy is used; `None` means one second.
    pub local_ttl: Option<Duration>,
    /// `check_tier_every`: how often this process asks whether other processes have written sessions with
    /// such a copy; `None` means never.
    pub check_tier_every: Option<Duration>,
    /// `save_accessed_time`: whether accesses are noted.
    pub save_accessed_time: bool,
    /// `auto`: whether the middleware saves changes by itself.
    pub auto: bool,
    /// The options of the cookie.
    pub cookie: CookieConfig,
    /// `remove_rejected`: whether a rejected cookie is removed from the browser.
    pub remove_rejected: bool,
    /// `on_store_failure`: what a request gets while the store cannot be reached.
    pub on_store_failure: OnStoreFailure,
    /// `format`: how the sessions are stored; `beaker` includes the format of the cookie.
    pub format: SessionFormat,
    /// `cookie_format`: how the cookie is signed or encrypted.
    pub cookie_format: CookieFormat,
    /// `data_serializer`: the codec in which new records are written.
    pub data_serializer: Serializer,
    /// `secret`: the keys that sign ids in cookies.
    pub secret: Option<Keys>,
    /// `validate_key`: the keys that sign sessions in cookies.
    pub validate_key: Option<Keys>,
    /// `encrypt_key`: the keys that encrypt sessions in cookies, or in Beaker's format.
    pub encrypt_key: Option<Keys>,
    /// `crypto_type`: the cipher of Beaker's format; `None` means AES-256-GCM.
    pub crypto_type: Option<CryptoType>,
    /// `encrypt_nonce_bits`: the length of the nonce in Beaker's format; `None` means 128.
    pub encrypt_nonce_bits: Option<usize>,
    /// `invalidate_corrupt`: whether a visitor whose session cannot be read gets a new one; in Beaker's
    /// format.
    pub invalidate_corrupt: bool,
}

/// How sessions are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionFormat {
    /// As this library stores them: `own`.
    Own,
    /// As Python's Beaker stores them, to share them with a Python application: `beaker` (feature `python`).
    Beaker,
}

/// The cipher of Beaker's format, by the Python package from which Beaker has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CryptoType {
    /// AES-256-GCM: `cryptography`.
    Cryptography,
    /// AES-256-CTR: `pycryptodome` or `pycrypto`.
    Pycryptodome,
}

/// Where sessions are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In a backend; the cookie contains only the id.
    Backend(BackendConfig),
    /// In the visitor's cookie only: `type = cookie`.
    Cookie,
}

/// How a cookie is signed or encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieFormat {
    /// This library's format: `own`.
    Own,
    /// Beaker's format, to share cookies with a Python application: `beaker`.
    Beaker,
}

/// The codec in which sessions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Serializer {
    /// A small and fast binary format: `bincode`.
    Bincode,
    /// JSON, which other programs can read: `json`.
    Json,
    /// Python's pickles, which are read without running anything: `pickle`, for `format = beaker` alone.
    Pickle,
}

/// The options of the session's cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CookieConfig {
    /// `key`: the cookie's name.
    pub name: String,
    /// `cookie_path`: the path; browsers send the cookie only with requests below it.
    pub path: String,
    /// `cookie_domain`: the domain; browsers send the cookie to its subdomains as well.
    pub domain: Option<String>,
    /// `cookie_expires`: how long a browser keeps it.
    pub expires: CookieLifetime,
    /// `cookie_path_is_cut`: whether the application sees shorter paths than the browser.
    pub path_is_cut: bool,
    /// `secure`: whether the cookie is only sent over TLS.
    pub secure: Secure,
    /// `trusted_proxies`: the proxies whose headers are believed, for `secure = auto`.
    pub trusted_proxies: Option<TrustedProxies>,
    /// `proxy_header`: the header that the proxies set.
    pub proxy_header: ProxyHeader,
    /// `httponly`: whether the cookie is hidden from the page's scripts.
    pub httponly: bool,
    /// `samesite`: whether browsers send the cookie with requests that other sites start.
    pub samesite: SameSite,
    /// `partitioned`: whether the cookie is kept separately for each site that embeds this one.
    pub partitioned: bool,
    /// `cookie_priority`: which cookies Chromium keeps longest.
    pub priority: Option<CookiePriority>,
}

/// When the cookie is `Secure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Secure {
    /// `true`.
    Always,
    /// `false`: for development on localhost.
    Never,
    /// `auto`: if the visitor came over TLS, according to the trusted proxies.
    Auto,
}

impl Default for CookieConfig {
    fn default() -> CookieConfig {
        CookieConfig {
            name: "beaker.session.id".into(),
            path: "/".into(),
            domain: None,
            expires: CookieLifetime::Browser,
            path_is_cut: false,
            secure: Secure::Always,
            trusted_proxies: None,
            proxy_header: ProxyHeader::default(),
            httponly: true,
            samesite: SameSite::Lax,
            partitioned: false,
            priority: None,
        }
    }
}

impl CookieConfig {
    /// Returns the options for [`Sessions::cookie`](crate::Sessions::cookie).
    pub fn options(&self) -> CookieOptions {
        let mut options = CookieOptions::default()
            .name(self.name.as_str())
            .path(self.path.as_str())
            .lifetime(self.expires)
            .same_site(self.samesite);
        if let Some(domain) = &self.domain {
            options = options.domain(domain.as_str());
        }
        if !self.httponly {
            options = options.readable_by_scripts();
        }
        if self.path_is_cut {
            options = options.path_is_cut();
        }
        match (self.secure, &self.trusted_proxies) {
            (Secure::Never, _) => options = options.insecure_for_localhost(),
            (Secure::Auto, Some(proxies)) => {
                let proxies = proxies.clone().header(self.proxy_header);
                options = options.secure_by_request(proxies);
            }
            // Without proxies nobody says that a visitor came in the clear.
            (Secure::Auto, None) | (Secure::Always, _) => {}
        }
        if self.partitioned {
            options = options.partitioned();
        }
        if let Some(priority) = self.priority {
            options = options.priority(priority);
        }
        options
    }
}

const FORMATS: &[(&str, CookieFormat)] =
    &[("own", CookieFormat::Own), ("beaker", CookieFormat::Beaker)];

const SESSION_FORMATS: &[(&str, SessionFormat)] =
    &[("own", SessionFormat::Own), ("beaker", SessionFormat::Beaker)];

const SERIALIZERS: &[(&str, Serializer)] =
    &[("bincode", Serializer::Bincode), ("json", Serializer::Json), ("pickle", Serializer::Pickle)];

const CRYPTO_TYPES: &[(&str, CryptoType)] =
    &[("cryptography", CryptoType::Cryptography), ("pycryptodome", CryptoType::Pycryptodome)];

const STORE_FAILURES: &[(&str, OnStoreFailure)] =
    &[("fail", OnStoreFailure::Fail), ("empty", OnStoreFailure::Empty)];

const SAME_SITE: &[(&str, SameSite)] =
    &[("lax", SameSite::Lax), ("strict", SameSite::Strict), ("none", SameSite::None)];

const PRIORITIES: &[(&str, CookiePriority)] = &[
    ("low", CookiePriority::Low),
    ("medium", CookiePriority::Medium),
    ("high", CookiePriority::High),
];

const PROXY_HEADERS: &[(&str, ProxyHeader)] =
    &[("x-forwarded-proto", ProxyHeader::XForwardedProto), ("forwarded", ProxyHeader::Forwarded)];

/// All options but `type` and those of backends. What is given is read in this order.
pub(super) const OPTIONS: &[ConfigOption<SessionConfig>] = &[
    ConfigOption(
        "format",
        |it, text| set(&mut it.format, words::choice(text, SESSION_FORMATS)),
        |it| chosen(it.format, SESSION_FORMATS),
    ),
    ConfigOption(
        "cookie_format",
        |it, text| set(&mut it.cookie_format, words::choice(text, FORMATS)),
        |it| chosen(it.cookie_format, FORMATS),
    ),
    ConfigOption(
        "timeout",
        |it, text| set(&mut it.timeout, words::seconds_or_never(text)),
        |it| in_seconds_or_never(it.timeout),
    ),
    ConfigOption(
        "lifetime",
        |it, text| set(&mut it.lifetime, words::seconds_or_never(text)),
        |it| in_seconds_or_never(it.lifetime),
    ),
    ConfigOption(
        "touch_every",
        |it, text| set(&mut it.touch_every, words::seconds(text).map(Some)),
        |it| it.touch_every.and_then(in_seconds),
    ),
    ConfigOption(
        "grace",
        |it, text| set(&mut it.grace, words::grace(text)),
        |it| in_seconds(it.grace).filter(|_| !it.is_in_cookies()),
    ),
    ConfigOption(
        "max_per_user",
        |it, text| set(&mut it.max_per_user, words::number_in(text, 1..=MOST_PER_USER)),
        |it| shown(it.max_per_user).filter(|_| !it.is_in_cookies()),
    ),
    ConfigOption(
        "local_tier",
        |it, text| set(&mut it.local_tier, words::number_in(text, 1..=MOST_COPIES).map(Some)),
        |it| it.local_tier.and_then(shown),
    ),
    ConfigOption(
        "local_ttl",
        |it, text| set(&mut it.local_ttl, copies_last(text).map(Some)),
        |it| it.local_ttl.and_then(in_seconds),
    ),
    ConfigOption(
        "check_tier_every",
        |it, text| set(&mut it.check_tier_every, words::milliseconds(text, 1).map(Some)),
        |it| it.check_tier_every.and_then(words::in_milliseconds),
    ),
    ConfigOption(
        "save_accessed_time",
        |it, text| set(&mut it.save_accessed_time, boolean(text)),
        |it| shown(it.save_accessed_time),
    ),
    ConfigOption("auto", |it, text| set(&mut it.auto, boolean(text)), |it| shown(it.auto)),
    ConfigOption(
        "key",
        |it, text| set(&mut it.cookie.name, accepted(text, CookieOptions::name)),
        |it| shown(&it.cookie.name),
    ),
    ConfigOption(
        "cookie_path",
        |it, text| set(&mut it.cookie.path, accepted(text, CookieOptions::path)),
        |it| shown(&it.cookie.path),
    ),
    ConfigOption(
        "cookie_path_is_cut",
        |it, text| set(&mut it.cookie.path_is_cut, boolean(text)),
        |it| it.cookie.path_is_cut.then(|| shown(true)).flatten(),
    ),
    ConfigOption(
        "cookie_domain",
        |it, text| set(&mut it.cookie.domain, accepted(text, CookieOptions::domain).map(Some)),
        |it| it.cookie.domain.clone(),
    ),
    ConfigOption(
        "cookie_expires",
        |it, text| set(&mut it.cookie.expires, words::cookie_expires(text)),
        |it| match it.cookie.expires {
            CookieLifetime::Browser => shown(true),
            CookieLifetime::Longest => shown(false),
            CookieLifetime::For(time) => in_seconds(time),
        },
    ),
    ConfigOption(
        "secure",
        |it, text| set(&mut it.cookie.secure, secure(text)),
        |it| match it.cookie.secure {
            Secure::Always => shown(true),
            Secure::Never => shown(false),
            Secure::Auto => shown("auto"),
        },
    ),
    ConfigOption(
        "trusted_proxies",
        |it, text| {
            let proxies =
                text.parse::<TrustedProxies>().map(Some).map_err(|error| error.to_string());
            set(&mut it.cookie.trusted_proxies, proxies)
        },
        |it| it.cookie.trusted_proxies.as_ref().and_then(shown),
    ),
    ConfigOption(
        "proxy_header",
        |it, text| set(&mut it.cookie.proxy_header, words::choice(text, PROXY_HEADERS)),
        |it| {
            let is_asked = it.cookie.trusted_proxies.is_some();
            chosen(it.cookie.proxy_header, PROXY_HEADERS).filter(|_| is_asked)
        },
    ),
    ConfigOption(
        "httponly",
        |it, text| set(&mut it.cookie.httponly, boolean(text)),
        |it| shown(it.cookie.httponly),
    ),
    ConfigOption(
        "samesite",
        |it, text| set(&mut it.cookie.samesite, words::choice(text, SAME_SITE)),
        |it| chosen(it.cookie.samesite, SAME_SITE),
    ),
    ConfigOption(
        "partitioned",
        |it, text| set(&mut it.cookie.partitioned, boolean(text)),
        |it| it.cookie.partitioned.then(|| shown(true)).flatten(),
    ),
    ConfigOption(
        "cookie_priority",
        |it, text| set(&mut it.cookie.priority, words::choice(text, PRIORITIES).map(Some)),
        |it| it.cookie.priority.and_then(|priority| chosen(priority, PRIORITIES)),
    ),
    ConfigOption(
        "remove_rejected",
        |it, text| set(&mut it.remove_rejected, boolean(text)),
        |it| shown(it.remove_rejected),
    ),
    ConfigOption(
        "on_store_failure",
        |it, text| set(&mut it.on_store_failure, words::choice(text, STORE_FAILURES)),
        |it| chosen(it.on_store_failure, STORE_FAILURES),
    ),
    ConfigOption(
        "data_serializer",
        |it, text| set(&mut it.data_serializer, words::choice(text, SERIALIZERS)),
        |it| chosen(it.data_serializer, SERIALIZERS),
    ),
    ConfigOption(
        "secret",
        |it, text| set(&mut it.secret, Ok(Some(Keys::new(text)))),
        |it| it.secret.as_ref().and_then(shown),
    ),
    ConfigOption(
        "validate_key",
        |it, text| set(&mut it.validate_key, Ok(Some(Keys::new(text)))),
        |it| it.validate_key.as_ref().and_then(shown),
    ),
    ConfigOption(
        "encrypt_key",
        |it, text| set(&mut it.encrypt_key, Ok(Some(Keys::new(text)))),
        |it| it.encrypt_key.as_ref().and_then(shown),
    ),
    ConfigOption(
        "crypto_type",
        |it, text| set(&mut it.crypto_type, cipher(text).map(Some)),
        |it| it.crypto_type.and_then(|cipher| chosen(cipher, CRYPTO_TYPES)),
    ),
    ConfigOption(
        "encrypt_nonce_bits",
        |it, text| set(&mut it.encrypt_nonce_bits, nonce_bits(text).map(Some)),
        |it| it.encrypt_nonce_bits.and_then(shown),
    ),
    ConfigOption(
        "invalidate_corrupt",
        |it, text| set(&mut it.invalidate_corrupt, boolean(text)),
        |it| shown(it.invalidate_corrupt).filter(|_| it.format == SessionFormat::Beaker),
    ),
];

/// In seconds.
const LONGEST_COPY: usize = 60;

const MOST_COPIES: usize = 10_000_000;

fn copies_last(text: &str) -> ParseResult<Duration> {
    words::number_in(text, 1..=LONGEST_COPY).map(|seconds| Duration::from_secs(seconds as u64))
}

/// A text that the cookie takes in this place.
fn accepted(
    text: &str,
    place: impl FnOnce(CookieOptions, String) -> CookieOptions,
) -> ParseResult<String> {
    let checked = place(CookieOptions::default(), text.to_owned()).check();
    checked.map(|()| text.to_owned()).map_err(|error| error.to_string())
}

fn secure(word: &str) -> ParseResult<Secure> {
    if word.eq_ignore_ascii_case("auto") {
        return Ok(Secure::Auto);
    }
    let is_always = boolean(word).map_err(|why| format!("{why}; or `auto`, behind proxies"))?;
    Ok(if is_always { Secure::Always } else { Secure::Never })
}

fn nonce_bits(text: &str) -> ParseResult<usize> {
    let bits = text.parse().ok().filter(|bits| [48, 64, 96, 128, 192, 256].contains(bits));
    bits.ok_or_else(|| "allowed are 48, 64, 96, 128, 192, 256".into())
}

/// Beaker's names for its ciphers.
fn cipher(word: &str) -> ParseResult<CryptoType> {
    const GCM: [&str; 2] = ["cryptography", "default"];
    const CTR: [&str; 2] = ["pycryptodome", "pycrypto"];
    let word = word.to_lowercase();
    if GCM.contains(&word.as_str()) {
        return Ok(CryptoType::Cryptography);
    }
    if CTR.contains(&word.as_str()) {
        return Ok(CryptoType::Pycryptodome);
    }
    if ["nss", "jce"].contains(&word.as_str()) {
        return Err("Beaker has it no more; set `cryptography`, here and on Python's side".into());
    }
    Err(match nearest(&word, GCM.into_iter().chain(CTR)) {
        Some(near) => format!("there is no such cipher; did you mean `{near}`?"),
        None => "allowed are `cryptography`, which is AES-256-GCM, and `pycryptodome`, which is \
                 AES-256-CTR"
            .into(),
    })
}

impl SessionConfig {
    /// What holds where nothing is said, for sessions in this place.
    pub(super) fn new(place: Place) -> SessionConfig {
        SessionConfig {
            place,
            timeout: None,
            lifetime: None,
            touch_every: None,
            grace: Duration::ZERO,
            max_per_user: DEFAULT_PER_USER,
            local_tier: None,
            local_ttl: None,
            check_tier_every: None,
            save_accessed_time: true,
            auto: false,
            cookie: CookieConfig::default(),
            remove_rejected: true,
            on_store_failure: OnStoreFailure::default(),
            format: SessionFormat::Own,
            cookie_format: CookieFormat::Own,
            data_serializer: Serializer::Bincode,
            secret: None,
            validate_key: None,
            encrypt_key: None,
            crypto_type: None,
            encrypt_nonce_bits: None,
            invalidate_corrupt: false,
        }
    }

    /// Whether the cookie is all there is.
    pub(super) fn is_in_cookies(&self) -> bool {
        self.place == Place::Cookie
    }

    /// Whether Python's Beaker reads the sessions themselves: in the store, or in cookies.
    pub(super) fn is_beakers(&self) -> bool {
        self.format == SessionFormat::Beaker
            || self.is_in_cookies() && self.cookie_format == CookieFormat::Beaker
    }

    pub(super) fn encrypts_as_beaker(&self) -> bool {
        self.encrypt_key.is_some() && self.is_beakers()
    }

    /// The serializer where none is given. Beaker's own default is a pickle.
    pub(super) fn usual_serializer(&self) -> Serializer {
        match self.format {
            SessionFormat::Beaker => Serializer::Pickle,
            SessionFormat::Own if self.is_beakers() => Serializer::Json,
            SessionFormat::Own => Serializer::Bincode,
        }
    }

    /// Its options, what they are, and what they are by default.
    pub(super) fn printed(&self) -> Vec<Printed> {
        let mut printed = match &self.place {
            Place::Cookie => vec![("type", "cookie".to_owned(), None)],
            Place::Backend(backend) => {
                let is_in_folder = backend.option("data_dir").is_some();
                backend.printed(if is_in_folder { "file" } else { "memory" })
            }
        };
        let mut default = SessionConfig::new(self.place.clone());
        default.data_serializer = self.usual_serializer();
        if self.format == SessionFormat::Beaker {
            default.cookie_format = CookieFormat::Beaker;
        }
        printed.extend(words::printed(OPTIONS, self, &default));
        printed
    }
}
