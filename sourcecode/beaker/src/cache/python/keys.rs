//! [`Keys`]: the texts under which Python has its entries and locks in a store.

use std::fmt::{self, Write};

use crate::cache::policy::KeyMangler;
use crate::error::{Error, Result};
use crate::key::{Key, Namespace};
use crate::store::python::on_disk::sha1_hex;

/// The longest key of memcached.
const LONGEST_IN_MEMCACHED: usize = 250;

/// The keys of a cache.
pub(in crate::cache) struct Keys {
    pub(super) mangler: Option<KeyMangler>,
    pub(super) rule: Rule,
    /// What each key of the cache begins with.
    pub(super) prefix: Namespace,
    pub(super) is_memcached: bool,
    /// What the key of a lock has before that of the entry.
    pub(super) lock_prefix: String,
}

/// How a key of the program becomes one of the store.
pub(super) enum Rule {
    /// As it is; from this number of characters on, its SHA-1 hash.
    Dogpile { hashed_from: Option<usize> },
    /// In ASCII, after the prefix; hashed if it has more characters than this.
    BeakerInRedis { longest: usize },
    /// In ASCII, after the namespace and `_`, with another sign for a space; hashed with the namespace.
    BeakerInMemcached { namespace: String },
    /// In ASCII.
    BeakerInFiles,
}

impl Keys {
    /// Returns the key of an entry.
    pub(in crate::cache) fn entry(&self, key: &[u8]) -> Result<Key> {
        self.text(key).map(|text| self.prefix.key(text))
    }

    /// Returns the key of the lock under which that entry is made.
    pub(in crate::cache) fn lock(&self, key: &[u8]) -> Result<Key> {
        let prefix = &self.lock_prefix;
        let name = match self.rule {
            Rule::Dogpile { .. } | Rule::BeakerInRedis { .. } => {
                format!("{prefix}{}{}", self.prefix.name(), self.text(key)?)
            }
            // A lock file is of the key itself, which Python prints as bytes.
            Rule::BeakerInMemcached { .. } | Rule::BeakerInFiles => {
                format!("{prefix}{}", printed(&in_ascii(&self.given(key)?)))
            }
        };
        Ok(Namespace::default().key(name))
    }

    /// Returns the key that Python's program has.
    fn given(&self, key: &[u8]) -> Result<String> {
        let text = match &self.mangler {
            None => str::from_utf8(key).ok().map(str::to_owned),
            Some(mangle) => String::from_utf8(mangle(key)).ok(),
        };
        text.ok_or_else(|| {
            Error::config(format!(
                "the key {} is no text, and Python's keys are; pass the text that Python has, as a `&str`",
                Shown(key)
            ))
        })
    }

    fn text(&self, key: &[u8]) -> Result<String> {
        let text = self.given(key)?;
        let text = match &self.rule {
            Rule::Dogpile { hashed_from: Some(from) } if text.chars().count() >= *from => {
                sha1_hex(&text)
            }
            Rule::Dogpile { .. } => text,
            Rule::BeakerInFiles => in_ascii(&text),
            Rule::BeakerInRedis { longest } => {
                let text = in_ascii(&text);
                if text.len() > *longest { sha1_hex(&text) } else { text }
            }
            Rule::BeakerInMemcached { namespace } => {
                // An accident of Beaker in Python 3, which meant a middle dot.
                let text = format!("{namespace}_{}", in_ascii(&text)).replace(' ', "\u{c2}\u{b7}");
                if text.chars().count() > LONGEST_IN_MEMCACHED { sha1_hex(&text) } else { text }
            }
        };
        self.is_fit(&text).map(|()| text)
    }

    /// Refuses what Python's clients refuse too.
    fn is_fit(&self, text: &str) -> Result<()> {
        let refuse = |why: &str| {
            let shown = Shown(text.as_bytes());
            Err(Error::config(format!(
                "the key {shown} {why}; {}",
                match self.rule {
                    Rule::Dogpile { .. } => {
                        "hash it on both sides: Python's `sha1_mangle_key` is `sha1_keys` here"
                    }
                    _ => "take another key on both sides",
                }
            )))
        };
        if text.is_empty() && matches!(self.rule, Rule::Dogpile { .. }) {
            return refuse("is empty");
        }
        if !self.is_memcached {
            return Ok(());
        }
        let lock = if let Rule::Dogpile { .. } = self.rule { self.lock_prefix.len() } else { 0 };
        let length = lock + text.len();
        match text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            true => refuse("has a space or a control character, which memcached does not take"),
            false if length > LONGEST_IN_MEMCACHED => refuse(&format!(
                "has {length} bytes, with that of its lock, and memcached takes {LONGEST_IN_MEMCACHED}"
            )),
            false => Ok(()),
        }
    }
}

/// Returns the bytes of an ASCII text as Python's `repr` prints them.
fn printed(ascii: &str) -> String {
    let quote = if ascii.contains('\'') && !ascii.contains('"') { '"' } else { '\'' };
    let mut printed = format!("b{quote}");
    for c in ascii.chars() {
        let _ = match c {
            '\\' => write!(printed, "\\\\"),
            '\n' => write!(printed, "\\n"),
            '\r' => write!(printed, "\\r"),
            '\t' => write!(printed, "\\t"),
            c if c == quote => write!(printed, "\\{c}"),
            ' '..='~' => write!(printed, "{c}"),
            c => write!(printed, "\\x{:02x}", u32::from(c)),
        };
    }
    printed.push(quote);
    printed
}

/// Returns what Python's `key.encode("ascii", "backslashreplace")` returns.
fn in_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        let _ = match u32::from(c) {
            0..0x80 => {
                ascii.push(c);
                Ok(())
            }
            code @ 0x80..0x100 => write!(ascii, "\\x{code:02x}"),
            code @ 0x100..0x10000 => write!(ascii, "\\u{code:04x}"),
            code => write!(ascii, "\\U{code:08x}"),
        };
    }
    ascii
}

/// The beginning of a key, for messages.
struct Shown<'a>(&'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 60;
        let (shown, dots) = match self.0.split_at_checked(MOST) {
            Some((beginning, rest)) if !rest.is_empty() => (beginning, "…"),
            _ => (self.0, ""),
        };
        write!(f, "`{}{dots}`", shown.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cache::python::BeakerCacheFormat;
    use crate::cache::python::place::Kind;

    fn dogpile(hashed_from: Option<usize>, is_memcached: bool) -> Keys {
        let rule = Rule::Dogpile { hashed_from };
        let prefix = Namespace::default();
        Keys { mangler: None, rule, prefix, is_memcached, lock_prefix: "_lock".into() }
    }

    fn name(key: Result<Key>) -> String {
        String::from_utf8(key.unwrap().name().to_vec()).unwrap()
    }

    #[test]
    fn a_key_of_dogpile_is_as_it_was_given() {
        let keys = dogpile(None, false);
        for key in ["myapp.tools:one|foo|3 4", "hiŏ 🏁", &"x".repeat(3000)] {
            assert_eq!(name(keys.entry(key.as_bytes())), key);
            assert_eq!(name(keys.lock(key.as_bytes())), format!("_lock{key}"));
        }
    }

    #[test]
    fn a_key_of_dogpile_is_hashed_as_python_hashes_it() {
        // `sha1_mangle_key("hiŏ")` of dogpile.cache 1.5.0.
        let hash = "8673c12bf0a8be4656e5309f9e03a31b037de058";
        assert_eq!(name(dogpile(Some(0), false).entry("hiŏ".as_bytes())), hash);
        assert_eq!(name(dogpile(Some(3), false).entry("hiŏ".as_bytes())), hash);
        assert_eq!(name(dogpile(Some(4), false).entry("hiŏ".as_bytes())), "hiŏ");
        assert_eq!(name(dogpile(Some(0), true).lock("hiŏ".as_bytes())), format!("_lock{hash}"));
    }

    #[test]
    fn a_mangler_runs_first() {
        let mangler: KeyMangler = Arc::new(|key| [b"v2.", key].concat());
        let keys = Keys { mangler: Some(mangler), ..dogpile(None, false) };
        assert_eq!(name(keys.entry(b"a")), "v2.a");
        assert_eq!(name(keys.lock(b"a")), "_lockv2.a");
    }

    #[test]
    fn what_python_would_refuse_is_refused() {
        let long = "x".repeat(246);
        for (key, is_memcached, why) in [
            (&b"\xff\x01"[..], false, "is no text"),
            (b"", false, "is empty"),
            (b"a b", true, "has a space"),
            (b"a\x7f", true, "control character"),
            (long.as_bytes(), true, "has 251 bytes"),
        ] {
            let error = dogpile(None, is_memcached).entry(key).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        assert!(dogpile(None, true).entry(&long.as_bytes()[..245]).is_ok());
        assert!(dogpile(Some(200), true).entry(long.as_bytes()).is_ok());
    }

    fn beaker(namespace: &str, is_memcached: bool) -> Keys {
        let kind = if is_memcached { Kind::Memcached } else { Kind::Redis };
        BeakerCacheFormat::new().keys_in(namespace, None, kind)
    }

    /// What Beaker 1.14.1 uses, for the namespace `testns`.
    #[test]
    fn a_key_of_beaker_in_redis() {
        let keys = beaker("testns", false);
        let wire = |key: &str| {
            let key = keys.entry(key.as_bytes()).unwrap();
            format!("{}{}", key.namespace().name(), str::from_utf8(key.name()).unwrap())
        };
        assert_eq!(wire("k1"), "beaker_cache:testns:k1");
        assert_eq!(wire("has space"), "beaker_cache:testns:has space");
        assert_eq!(
            wire("Espa\u{f1}a \u{14f}\u{1f3c1}"),
            r"beaker_cache:testns:Espa\xf1a \u014f\U0001f3c1"
        );
        assert_eq!(wire(&"z".repeat(1004)).len(), 1024);
        let hashed = "beaker_cache:testns:ceabca905fd654aa6bef93911245097a951d7667";
        assert_eq!(wire(&"z".repeat(1100)), hashed);
        assert_eq!(wire(&"z".repeat(1005)).len(), 60);
        let lock = keys.lock(b"k1").unwrap();
        assert_eq!(lock.name(), b"beaker_lock:beaker_cache:testns:k1");
    }

    #[test]
    fn a_key_of_beaker_in_memcached() {
        let keys = beaker("testns", true);
        let wire = |key: &str| name(keys.entry(key.as_bytes()));
        assert_eq!(wire("k1"), "testns_k1");
        assert_eq!(wire("has space"), "testns_has\u{c2}\u{b7}space");
        assert_eq!(wire("hi\u{14f}"), r"testns_hi\u014f");
        assert_eq!(wire(&"x".repeat(300)), "f514e676e7294605e67bdb369d6ff0b4b1cf2cf1");
        assert_eq!(wire(&"x".repeat(243)).len(), 250);
        assert_eq!(wire(&"x".repeat(244)).len(), 40);
        assert!(keys.entry(b"a\nb").is_err());
        let lock = keys.lock(b"k1").unwrap();
        assert_eq!(lock.name(), b"memcachedcontainer/funclock/testns/b'k1'");
    }

    #[test]
    fn a_key_of_beaker_in_files() {
        let keys = BeakerCacheFormat::new().keys_in("mytemplate.html", None, Kind::Files);
        let key = keys.entry("a b \u{f1}".as_bytes()).unwrap();
        assert_eq!((key.namespace().name(), key.name()), ("mytemplate.html", &br"a b \xf1"[..]));
        let lock = |key: &str| name(keys.lock(key.as_bytes()));
        assert_eq!(lock("k1"), "dbmcontainer/funclock/mytemplate.html/b'k1'");
        assert!(lock("\u{f1}").ends_with(r"/b'\\xf1'"));
        assert!(lock("it's").ends_with("/b\"it's\""));
        assert!(lock("'\"\n\u{1}").ends_with(r#"/b'\'"\n\x01'"#));
    }
}
