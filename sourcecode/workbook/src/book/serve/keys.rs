//! [`Keys`]: what tells the reader's browser from everybody else on this machine.
//!
//! A port of loopback is open to every user of the machine, and what is served here runs code. So the
//! address that the terminal shows carries a key. Whoever brings it gets a cookie and a page key, and from
//! then on both are asked for. Each alone would not do: a browser sends a cookie to all ports of a host,
//! so to a server of another user as well, and the page key is what scripts of our pages can read.
//!
//! The key in the address lives as long as the server. The other two are kept in a file that only its
//! user can read, so that open tabs still work after a restart; `cargo clean` makes new ones.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

/// The header in which our pages show their key.
pub const PAGE_KEY: &str = "x-workbook-key";

/// 256 random bits.
const BYTES: usize = 32;

/// How long a browser keeps the cookie.
const THIRTY_DAYS: u32 = 30 * 24 * 60 * 60;

/// The keys of a server. They are never printed but for the one in the address.
pub struct Keys {
    address: String,
    cookie: String,
    page: String,
    /// The cookie's name has the port in it: two workbooks on a host do not take each other's away.
    name: String,
}

impl Keys {
    /// Those of the workspace `root` for a server on this port, made where there are none.
    ///
    /// # Errors
    ///
    /// `target/` cannot be written, or the system has no random numbers.
    pub fn open(root: &Path, port: u16) -> Result<Keys> {
        let folder = root.join("target");
        let file = folder.join("workbook-keys");
        let failed = || format!("could not keep the workbook's keys in `{}`", file.display());
        fs::create_dir_all(&folder).with_context(failed)?;
        let (cookie, page) = match read(&file) {
            Some(kept) => kept,
            None => make(&folder, &file).with_context(failed)?,
        };
        Ok(Keys { address: random()?, cookie, page, name: format!("workbook_{port}") })
    }

    /// What follows an address in the terminal.
    pub fn query(&self) -> String {
        format!("?key={}", self.address)
    }

    /// Whether this is the key that the terminal shows.
    pub fn opens(&self, key: &str) -> bool {
        same(key, &self.address)
    }

    /// The `Set-Cookie` of a browser that brought the key. There is no `Secure`, since loopback has no TLS.
    pub fn set_cookie(&self) -> String {
        let (name, value) = (&self.name, &self.cookie);
        format!("{name}={value}; Path=/; Max-Age={THIRTY_DAYS}; HttpOnly; SameSite=Strict")
    }

    /// The key for the scripts of our pages.
    pub fn page(&self) -> &str {
        &self.page
    }

    /// Whether a request brings the cookie.
    pub fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .any(|(name, value)| name == self.name && same(value, &self.cookie))
    }

    /// Whether a request brings the page key.
    pub fn has_page_key(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(PAGE_KEY).and_then(|value| value.to_str().ok());
        shown.is_some_and(|shown| same(shown, &self.page))
    }
}

/// In a time that does not tell where they differ.
fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn random() -> Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("the system has no random numbers: {error}"))?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// The two that are kept, if nobody else could have read or left them.
fn read(file: &Path) -> Option<(String, String)> {
    let metadata = fs::symlink_metadata(file).ok()?;
    if !metadata.is_file() || metadata.mode() & 0o077 != 0 {
        return None;
    }
    let text = fs::read_to_string(file).ok()?;
    let mut lines = text.lines();
    let mut key = || {
        let line = lines.next()?;
        let bytes = BASE64URL_NOPAD.decode(line.as_bytes()).ok()?;
        (bytes.len() == BYTES).then(|| line.to_owned())
    };
    Some((key()?, key()?))
}

/// Makes both, unless another server does so at this moment: then its keys are ours too.
fn make(folder: &Path, file: &Path) -> Result<(String, String)> {
    // What is there was not good enough to be read.
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let (cookie, page) = (random()?, random()?);
    // Only its user may read such a file, from the first moment on.
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(new, "{cookie}\n{page}")?;
    match new.persist_noclobber(file) {
        Ok(_) => Ok((cookie, page)),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            read(file).context("another workbook has just written something else")
        }
        Err(error) => Err(error.error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn keys(root: &Path) -> Keys {
        Keys::open(root, 3000).unwrap()
    }

    fn pair(keys: &Keys) -> (String, String) {
        (keys.cookie.clone(), keys.page.clone())
    }

    #[test]
    fn a_restart_keeps_all_but_the_key_in_the_address() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (keys(folder.path()), keys(folder.path()));
        assert_eq!(pair(&first), pair(&second));
        let all = [&first.address, &second.address, &first.cookie, &first.page];
        assert_eq!(BTreeSet::from(all).len(), 4);
        assert!(all.iter().all(|key| key.len() == 43), "{all:?}");
        assert!(first.opens(&first.address) && !first.opens(&second.address) && !first.opens(""));
    }

    #[test]
    fn only_their_user_can_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("target/workbook-keys");
        let mut seen = vec![pair(&keys(folder.path()))];
        let mut changed = |what: &str| {
            let now = pair(&keys(folder.path()));
            assert!(!seen.contains(&now), "{what}");
            let metadata = fs::symlink_metadata(&file).unwrap();
            assert!(metadata.is_file() && metadata.mode() & 0o777 == 0o600, "{what}");
            seen.push(now);
        };
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        changed("others could have read it");
        fs::write(&file, "short\nshort\n").unwrap();
        changed("no keys");
        fs::rename(&file, folder.path().join("elsewhere")).unwrap();
        symlink(folder.path().join("elsewhere"), &file).unwrap();
        changed("a link to somewhere else");
    }

    #[test]
    fn servers_that_start_together_have_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let both = std::sync::Barrier::new(2);
        let pairs: BTreeSet<_> = std::thread::scope(|scope| {
            let start = || {
                both.wait();
                pair(&keys(folder.path()))
            };
            [scope.spawn(start), scope.spawn(start)].map(|one| one.join().unwrap()).into()
        });
        assert_eq!(pairs.len(), 1);
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keys(folder.path());
        let cookie = keys.cookie.as_str();
        let check = |sent: &[String], wanted: bool| {
            let mut headers = HeaderMap::new();
            for sent in sent {
                headers.append(COOKIE, sent.parse().unwrap());
            }
            assert_eq!(keys.has_cookie(&headers), wanted, "{sent:?}");
        };
        check(&[], false);
        check(&[format!("workbook_3000={cookie}")], true);
        check(&[format!("a=b; workbook_3000=x; workbook_3000={cookie}; c=d")], true);
        check(&["a=b".into(), format!("workbook_3000={cookie}")], true);
        check(&[format!("workbook_3001={cookie}")], false);
        check(&[format!("workbook_3000={}", &cookie[1..])], false);
        check(&[format!("workbook_3000={cookie}x")], false);
        check(&["workbook_3000=".into(), cookie.into()], false);
    }
}
