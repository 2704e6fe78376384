//! The contract of [`Transform`] as a test suite for any implementation. A store in a layer must also keep
//! the contract of a store: run [`store::conformance`](crate::store::conformance) on it.
//!
//! ```
//! # #[cfg(feature = "layers")] {
//! use beaker::layer::{Compress, conformance::check};
//!
//! check(&Compress::default());
//! # }
//! ```

use super::Transform;
use crate::key::{Key, Namespace};

/// Runs every case, and panics at the first broken promise.
pub fn check(transform: &dyn Transform) {
    for key in keys() {
        for value in values() {
            gives_back(transform, &key, &value);
        }
        survives_damage(transform, &key);
    }
}

fn keys() -> [Key; 4] {
    let key = |namespace: &str, name: &[u8]| Namespace::new(namespace).key(name);
    [key("", b""), key("layer", b"a b"), key("Кэш", &[0xff, 0]), key("long", &[b'k'; 5000])]
}

fn values() -> Vec<Vec<u8>> {
    let text = "Kimi Räikkönen, ".repeat(100).into_bytes();
    let mixed = (0..=255).cycle().take(65_537).collect();
    vec![vec![], vec![0], b"=".to_vec(), text, mixed, vec![0xa5; 900_000]]
}

fn gives_back(transform: &dyn Transform, key: &Key, value: &[u8]) {
    let size = value.len();
    let packed = transform.pack(key, value).expect("pack");
    let unpacked = transform.unpack(key, &packed);
    assert!(unpacked.as_deref() == Some(value), "{size} bytes under {key:?} come back changed");
}

/// Whatever these return, none of them may panic.
fn survives_damage(transform: &dyn Transform, key: &Key) {
    let packed = transform.pack(key, b"Kimi, Kimi, Kimi, Kimi").expect("pack");
    for length in 0..packed.len() {
        transform.unpack(key, &packed[..length]);
    }
    for bit in 0..packed.len() * 8 {
        let mut damaged = packed.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        transform.unpack(key, &damaged);
    }
    for byte in 0..=255 {
        for length in [1, 2, 100] {
            transform.unpack(key, &vec![byte; length]);
        }
        transform.unpack(key, &[&packed[..], &[byte]].concat());
    }
}
