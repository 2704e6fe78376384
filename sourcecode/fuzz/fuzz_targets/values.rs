//! Values in each codec, in JSON of the world, and what layers have packed: read without a panic, and what
//! was read is written and read once more without a change.

#![no_main]

use std::fmt::Debug;
use std::sync::LazyLock;

use beaker::codec::{Bincode, Codec, Json};
use beaker::key::{Key, Namespace};
use beaker::layer::{Compress, Encrypt, Transform};
use beaker::{Value, Values};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

/// A program's own type, with what serde has.
#[derive(Debug, Serialize, Deserialize)]
struct Own {
    name: String,
    points: Option<u32>,
    rest: Vec<(i8, f32)>,
    kind: Kind,
}

#[derive(Debug, Serialize, Deserialize)]
enum Kind {
    Plain,
    Tuple(u64, char),
    Named { flag: bool },
}

static ENCRYPT: LazyLock<Encrypt> = LazyLock::new(|| Encrypt::new([[7; 32]]).unwrap());
static KEY: LazyLock<Key> = LazyLock::new(|| Namespace::new("n").key("k"));

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    match kind % 7 {
        0 => check::<Value>(&Bincode, bytes),
        1 => check::<Value>(&Json, bytes),
        2 => check::<Values>(&Bincode, bytes),
        3 => check::<Values>(&Json, bytes),
        4 => {
            check::<Own>(&Bincode, bytes);
            check::<Own>(&Json, bytes);
        }
        5 => {
            let Ok(json) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
            let Ok(value) = Value::of(&json) else { return };
            let _ = value.to::<Own>();
            let _ = value.to::<Vec<Own>>();
            value.to::<serde_json::Value>().unwrap();
        }
        _ => {
            for transform in [&Compress::default() as &dyn Transform, &*ENCRYPT] {
                let _ = transform.unpack(&KEY, bytes);
                let packed = transform.pack(&KEY, bytes).unwrap();
                assert_eq!(transform.unpack(&KEY, &packed).unwrap(), bytes);
            }
        }
    }
});

fn check<V: Debug + 'static>(codec: &dyn Codec<V>, bytes: &[u8]) {
    let Ok(value) = codec.decode(bytes) else { return };
    let written = codec.encode(&value).unwrap();
    let again = codec.decode(&written).unwrap();
    assert_eq!(format!("{again:?}"), format!("{value:?}"));
}
