//! [`Address`]: where a site will be.

use std::fmt;
use std::str::FromStr;

/// The address of a site, such as `https://example.org/book/`. It ends with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// The address of a file of the site.
    pub fn of(&self, file: &str) -> String {
        format!("{}{file}", self.0)
    }

    /// The part after the host, from `/` to `/`.
    pub fn path(&self) -> &str {
        let host = self.0.find("://").map_or(0, |at| at + 3);
        self.0[host..].find('/').map_or("/", |at| &self.0[host + at..])
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
        // No part of it needs to be escaped in HTML or XML.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~%:/".contains(c);
        if host.is_empty() || host.starts_with(':') || !text.chars().all(is_plain) {
            return Err("write it as `https://example.org/book/`, without `?` and `#`".to_owned());
        }
        Ok(Address(format!("{}/", text.trim_end_matches('/'))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, whole: &str, path: &str) {
        let address: Address = text.parse().unwrap();
        assert_eq!((address.to_string().as_str(), address.path()), (whole, path));
    }

    #[test]
    fn ends_with_a_slash_and_knows_its_path() {
        check("https://example.org", "https://example.org/", "/");
        check("http://localhost:8000/", "http://localhost:8000/", "/");
        check("https://example.org/a/book//", "https://example.org/a/book/", "/a/book/");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let wrong =
            ["", "example.org", "ftp://example.org/", "https://", "https:///a", "http://:80/"];
        let marked =
            ["https://a/?b", "https://a/#b", "https://a/\"b", "https://a/ b", "https://a/<"];
        for text in wrong.iter().chain(&marked) {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.contains("https://example.org/book/"), "{text}: {error}");
        }
    }
}
