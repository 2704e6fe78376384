//! What has a fixed number of bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZero;
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
    // By their bits: 0.0 and -0.0 are two keys, and a NaN is found again.
    f32, F32; f64, F64;
}

/// Several of them are bytes, and need no tag each.
impl KeyPart for u8 {
    #[inline]
    fn append(&self, key: &mut ArgumentKey) {
        key.fixed(tag::U8, [*self]);
    }

    fn append_list(parts: &[u8], key: &mut ArgumentKey) {
        key.begin(tag::BYTES, parts.len());
        key.bytes(parts);
    }
}

/// As long on each machine, since a cache may be shared.
impl KeyPart for usize {
    #[inline]
    fn append(&self, key: &mut ArgumentKey) {
        key.fixed(tag::USIZE, (*self as u64).to_le_bytes());
    }
}

/// As long on each machine.
impl KeyPart for isize {
    #[inline]
    fn append(&self, key: &mut ArgumentKey) {
        key.fixed(tag::ISIZE, (*self as i64).to_le_bytes());
    }
}

/// As the number that it is: its type says that it is not zero.
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
