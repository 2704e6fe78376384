//! Texts and paths.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{ArgumentKey, KeyPart, tag};

impl KeyPart for str {
    #[inline]
    fn append(&self, key: &mut ArgumentKey) {
        key.begin(tag::TEXT, self.len());
        key.bytes(self.as_bytes());
    }
}

impl KeyPart for String {
    #[inline]
    fn append(&self, key: &mut ArgumentKey) {
        self.as_str().append(key);
    }
}

/// As the operating system has it.
impl KeyPart for OsStr {
    fn append(&self, key: &mut ArgumentKey) {
        let bytes = self.as_encoded_bytes();
        key.begin(tag::PATH, bytes.len());
        key.bytes(bytes);
    }
}

impl KeyPart for OsString {
    fn append(&self, key: &mut ArgumentKey) {
        self.as_os_str().append(key);
    }
}

/// As it is written: `a` and `./a` are two keys.
impl KeyPart for Path {
    fn append(&self, key: &mut ArgumentKey) {
        self.as_os_str().append(key);
    }
}

impl KeyPart for PathBuf {
    fn append(&self, key: &mut ArgumentKey) {
        self.as_os_str().append(key);
    }
}
