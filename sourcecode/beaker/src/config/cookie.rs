//! [`CookieConfig`]: how the cookie is sent.

use super::print::Lines;
use super::reader::Reader;
use super::words;
use crate::cookie::{CookieLifetime, CookieOptions, SameSite};
use crate::error::Result;

/// How the session's cookie is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CookieConfig {
    /// `key`: the cookie's name.
    pub name: String,
    /// `cookie_path`: only for paths below this one.
    pub path: String,
    /// `cookie_domain`: also for hosts below this domain.
    pub domain: Option<String>,
    /// `cookie_expires`: how long a browser keeps it.
    pub expires: CookieLifetime,
    /// `secure`: never over plain HTTP.
    pub secure: bool,
    /// `httponly`: not for the page's scripts.
    pub httponly: bool,
    /// `samesite`: whether other sites' links and forms bring it along.
    pub samesite: SameSite,
}

pub(super) const SAME_SITE: [(&str, SameSite); 3] =
    [("lax", SameSite::Lax), ("strict", SameSite::Strict), ("none", SameSite::None)];

impl Default for CookieConfig {
    fn default() -> CookieConfig {
        CookieConfig {
            name: "beaker.session.id".into(),
            path: "/".into(),
            domain: None,
            expires: CookieLifetime::Browser,
            secure: true,
            httponly: true,
            samesite: SameSite::Lax,
        }
    }
}

impl CookieConfig {
    /// The options for [`Sessions::cookie`](crate::Sessions::cookie).
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
        if !self.secure {
            options = options.insecure_for_localhost();
        }
        options
    }

    pub(super) fn read(reader: &Reader<'_>) -> CookieConfig {
        let alone = |options: CookieOptions| options.check();
        let default = CookieConfig::default();
        let name = checked(reader, "key", |name| alone(CookieOptions::default().name(name)));
        let path =
            checked(reader, "cookie_path", |path| alone(CookieOptions::default().path(path)));
        let domain = checked(reader, "cookie_domain", |domain| {
            alone(CookieOptions::default().domain(domain))
        });
        let config = CookieConfig {
            name: name.unwrap_or(default.name),
            path: path.unwrap_or(default.path),
            domain,
            expires: reader
                .read("cookie_expires", words::cookie_expires)
                .unwrap_or(default.expires),
            secure: reader.read("secure", words::boolean).unwrap_or(default.secure),
            httponly: reader.read("httponly", words::boolean).unwrap_or(default.httponly),
            samesite: reader
                .read("samesite", |word| words::choice(word, &SAME_SITE))
                .unwrap_or(default.samesite),
        };
        // Each is right alone, so this is about two of them together.
        if let Err(error) = config.options().check() {
            let option = if config.secure { "key" } else { "secure" };
            reader.wrong(option, &error.to_string());
        }
        config
    }

    pub(super) fn print(&self, lines: &mut Lines) {
        let expires = match self.expires {
            CookieLifetime::Browser => "true".into(),
            CookieLifetime::Longest => "false".into(),
            CookieLifetime::For(time) => time.as_secs().to_string(),
        };
        lines.option("session.key", &self.name, "beaker.session.id");
        lines.option("session.cookie_path", &self.path, "/");
        lines.optional("session.cookie_domain", self.domain.as_deref());
        lines.option("session.cookie_expires", expires, "true");
        lines.option("session.secure", self.secure, "true");
        lines.option("session.httponly", self.httponly, "true");
        lines.option("session.samesite", words::chosen(self.samesite, &SAME_SITE), "lax");
    }
}

/// A text that the cookie takes.
fn checked(
    reader: &Reader<'_>,
    option: &str,
    check: impl FnOnce(&str) -> Result<()>,
) -> Option<String> {
    let parse = |text| check(text).map(|()| String::from(text));
    reader.read(option, |text| parse(text).map_err(|error| error.to_string()))
}
