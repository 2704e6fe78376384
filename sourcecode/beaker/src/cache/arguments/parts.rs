//! Types that can be a part of a key: numbers, texts, paths, collections, and pointers to them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::{ArgumentKey, KeyPart, tag};

macro_rules! numbers {
    ($($number:ty, $tag:ident;)*) => {$(
        impl KeyPart for $number {
            #[inline]
            fn append(&self, key: &mut ArgumentKey) {
                key.fixed(tag::$tag, self.to_le_bytes());
            }
        }
    )*};
}

numbers! {
    u16, U16; u32, U32; u64, U64; u128, U128;
    i8, I8; i16, I16; i32, I32; i64, I64; i128, I128;
    // Compared by bits: 0.0 and -0.0 are two keys, and a NaN equals itself.
    f32, F32; f64, F64;
}

/// Several of them are bytes, and need no tag each.
impl KeyPart for u8 {
    #[inline]
    fn append(&self, key: &mut ArgumentKey) {
        key.fixed(tag::U8, [*self]);
    }

    #[inline]
    fn list_as_whole(parts: &[u8]) -> Option<&[u8]> {
        Some(parts)
    }

    fn append_list(parts: &[u8], key: &mut ArgumentKey) {
        key.begin(tag::BYTES, parts.len());
        key.bytes(parts);
    }
}

/// The same length on each machine, because a cache may be shared.
impl KeyPart for usize {
    #[inline]
    fn append(&self, key: &mut ArgumentKey) {
        key.fixed(tag::USIZE, (*self as u64).to_le_bytes());
    }
}

/// The same length on each machine.
impl KeyPart for isize {
    #[inline]
    fn append(&self, key: &mut ArgumentKey) {
        key.fixed(tag::ISIZE, (*self as i64).to_le_bytes());
    }
}

/// Encoded like the number itself, because the type already says that it is not zero.
macro_rules! non_zero {
    ($($number:ty)*) => {$(
        impl KeyPart for NonZero<$number> {
            fn append(&self, key: &mut ArgumentKey) {
                self.get().append(key);
            }
        }
    )*};
}

non_zero! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

impl KeyPart for bool {
    #[inline]
    fn append(&self, key: &mut ArgumentKey) {
        key.bytes(&[if *self { tag::TRUE } else { tag::FALSE }]);
    }
}

impl KeyPart for char {
    #[inline]
    fn append(&self, key: &mut ArgumentKey) {
        key.fixed(tag::CHAR, u32::from(*self).to_le_bytes());
    }
}

impl KeyPart for Duration {
    fn append(&self, key: &mut ArgumentKey) {
        key.fixed(tag::DURATION, self.as_nanos().to_le_bytes());
    }
}

impl KeyPart for Ipv4Addr {
    fn append(&self, key: &mut ArgumentKey) {
        key.fixed(tag::IP_V4, self.octets());
    }
}

impl KeyPart for Ipv6Addr {
    fn append(&self, key: &mut ArgumentKey) {
        key.fixed(tag::IP_V6, self.octets());
    }
}

impl KeyPart for IpAddr {
    fn append(&self, key: &mut ArgumentKey) {
        match self {
            IpAddr::V4(address) => address.append(key),
            IpAddr::V6(address) => address.append(key),
        }
    }
}

impl KeyPart for str {
    #[inline]
    fn append(&self, key: &mut ArgumentKey) {
        key.begin(tag::TEXT, self.len());
        key.bytes(self.as_bytes());
    }

    #[inline]
    fn as_whole(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }
}

impl KeyPart for String {
    #[inline]
    fn append(&self, key: &mut ArgumentKey) {
        self.as_str().append(key);
    }

    #[inline]
    fn as_whole(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }
}

/// Encoded as the operating system stores it.
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

/// Taken literally: `a` and `./a` are two keys.
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

impl<P: KeyPart> KeyPart for [P] {
    fn append(&self, key: &mut ArgumentKey) {
        P::append_list(self, key);
    }

    #[inline]
    fn as_whole(&self) -> Option<&[u8]> {
        P::list_as_whole(self)
    }
}

impl<P: KeyPart> KeyPart for Vec<P> {
    fn append(&self, key: &mut ArgumentKey) {
        self.as_slice().append(key);
    }

    #[inline]
    fn as_whole(&self) -> Option<&[u8]> {
        P::list_as_whole(self)
    }
}

impl<P: KeyPart, const N: usize> KeyPart for [P; N] {
    fn append(&self, key: &mut ArgumentKey) {
        self.as_slice().append(key);
    }

    #[inline]
    fn as_whole(&self) -> Option<&[u8]> {
        P::list_as_whole(self)
    }
}

impl<P: KeyPart> KeyPart for Option<P> {
    fn append(&self, key: &mut ArgumentKey) {
        match self {
            None => key.bytes(&[tag::NOTHING]),
            Some(part) => {
                key.bytes(&[tag::SOMETHING]);
                part.append(key);
            }
        }
    }
}

macro_rules! lists {
    ($($list:ident)*) => {$(
        impl<P: KeyPart> KeyPart for $list<P> {
            fn append(&self, key: &mut ArgumentKey) {
                key.begin(tag::LIST, self.len());
                self.iter().for_each(|part| part.append(key));
            }
        }
    )*};
}

lists! { BTreeSet VecDeque }

impl<K: KeyPart, P: KeyPart> KeyPart for BTreeMap<K, P> {
    fn append(&self, key: &mut ArgumentKey) {
        key.begin(tag::MAP, self.len());
        for (name, part) in self {
            name.append(key);
            part.append(key);
        }
    }
}

impl KeyPart for () {
    fn append(&self, key: &mut ArgumentKey) {
        key.bytes(&[tag::UNIT]);
    }
}

macro_rules! tuples {
    ($(($($part:ident $place:tt)*) $many:literal;)*) => {$(
        impl<$($part: KeyPart),*> KeyPart for ($($part,)*) {
            #[inline]
            fn append(&self, key: &mut ArgumentKey) {
                key.begin(tag::TUPLE, $many);
                $(self.$place.append(key);)*
            }
        }
    )*};
}

tuples! {
    (A 0) 1;
    (A 0 B 1) 2;
    (A 0 B 1 C 2) 3;
    (A 0 B 1 C 2 D 3) 4;
    (A 0 B 1 C 2 D 3 E 4) 5;
    (A 0 B 1 C 2 D 3 E 4 F 5) 6;
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6) 7;
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7) 8;
}

macro_rules! pointers {
    ($($pointer:ty)*) => {$(
        impl<P: KeyPart + ?Sized> KeyPart for $pointer {
            #[inline]
            fn append(&self, key: &mut ArgumentKey) {
                (**self).append(key);
            }

            #[inline]
            fn as_whole(&self) -> Option<&[u8]> {
                (**self).as_whole()
            }
        }
    )*};
}

pointers! { &P Box<P> Rc<P> Arc<P> }

impl<P: KeyPart + ToOwned + ?Sized> KeyPart for Cow<'_, P> {
    fn append(&self, key: &mut ArgumentKey) {
        (**self).append(key);
    }

    #[inline]
    fn as_whole(&self) -> Option<&[u8]> {
        (**self).as_whole()
    }
}
