//! Stores that keep sessions as Python's Beaker does: the contract, the very bytes, and what is left alone.

mod file;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "redis-async")]
mod redis;
#[cfg(feature = "conformance")]
mod sessions;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod tables;

use std::sync::Barrier;
use std::thread;

use beaker::ErrorKind;
use beaker::key::{Key, Namespace};
use beaker::store::{Precondition, Store};

/// The id and the text of the vectors, which Beaker 1.14 wrote.
const ID: &str = "00112233445566778899aabbccddeeff";
const TEXT: &str = "eJyrVopPyc9NzMxTslLIK83J0VFQii9ILMkAcpX0lUC8xOTk1OLi1JT4kszcVKCwobkBFOgZmYIUJBelJpZk5ufhUlBanFoEMi4x\
                    JRFkIMgm81oAUswhbA==";

/// The dictionary with that text, without its first two bytes, which name the protocol.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn dictionary(protocol: u8) -> Vec<u8> {
    let mut bytes = vec![0x80, protocol];
    bytes.extend(unhex(DICTIONARY));
    bytes
}

const DICTIONARY: &str = "9589000000000000007d948c0773657373696f6e948c78654a7972566f70507963394e7a4d7854736c4c494b38334a305646\
                          51696939494c4d6b41637058306c554338784f546b314f4c69314a54346b737a63564b43776f626b42464f675a6d5949554a\
                          42656c4a705a6b35756668556c42616e466f454d6934784a52466b494d676d38316f415573776862413d3d94732e";

fn unhex(digits: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(digit).collect()
}

fn id() -> Key {
    Namespace::default().key(ID)
}

/// Pickles that are no session, and what is no pickle. None of them can be read, and none is replaced.
fn foreign() -> Vec<Vec<u8>> {
    let bomb = [vec![0x80, 4], b"(]".repeat(100_000)].concat();
    vec![
        b"".to_vec(),
        b"BKF1 and more".to_vec(),
        vec![0xff; 1000],
        // A session of Beaker 1.11: {'session': {'n': 7}}
        unhex("80047d948c0773657373696f6e947d948c016e944b0773732e"),
        // [1]
        unhex("80045d944b01612e"),
        // os.system('true')
        b"cos\nsystem\n(S'true'\ntR.".to_vec(),
        bomb,
    ]
}

/// A session under its id is none that can be read: that is an error, no condition is met, and nothing
/// changes. `is_there` says whether what was put there is still there.
#[track_caller]
fn check_left_alone(store: &dyn Store, is_there: impl Fn() -> bool) {
    let error = store.get(&id()).unwrap_err();
    let message = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Codec, "{message}");
    assert!(message.contains("`00112233…`") && !message.contains(ID), "{message}");
    assert!(store.get_many(&[id()]).is_err());
    let nobody = beaker::store::Version::new(u64::MAX);
    for when in [Precondition::Absent, Precondition::Unchanged(nobody)] {
        assert_eq!(store.put(&id(), b"new", None, when).unwrap(), None);
        assert!(!store.delete(&id(), when).unwrap());
    }
    assert!(is_there());
}

/// What is the same for all of them.
fn check_sessions(store: &dyn Store) {
    assert_eq!(store.get(&id()).unwrap(), None);
    assert!(!store.delete(&id(), Precondition::Always).unwrap());
    let first = store.put(&id(), TEXT.as_bytes(), None, Precondition::Absent).unwrap().unwrap();
    let found = store.get(&id()).unwrap().unwrap();
    assert_eq!((&*found.bytes, found.version), (TEXT.as_bytes(), first));
    assert!(store.put(&id(), b"x", None, Precondition::Absent).unwrap().is_none());

    // Two writers, of whom one has seen what the other has written.
    let unchanged = Precondition::Unchanged(first);
    let second = store.put(&id(), b"second", None, unchanged).unwrap().unwrap();
    assert!(store.put(&id(), b"third", None, unchanged).unwrap().is_none());
    assert!(!store.delete(&id(), unchanged).unwrap());
    assert_eq!(&*store.get(&id()).unwrap().unwrap().bytes, b"second");
    assert!(store.delete(&id(), Precondition::Unchanged(second)).unwrap());
    assert_eq!(store.get(&id()).unwrap(), None);
    assert!(store.put(&id(), b"fourth", None, Precondition::Unchanged(second)).unwrap().is_none());

    // What comes from elsewhere.
    for bytes in [&b"\x01\x04record"[..], b"two words", "é".as_bytes(), b"\xff"] {
        let error = store.put(&id(), bytes, None, Precondition::Always).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains("`session.format = beaker`"), "{error}");
    }
    let long = "f".repeat(31);
    for name in ["", "..", "../../etc/passwd", "a b", &long, &ID.to_uppercase().replace('0', "A")] {
        let error = store.get(&Namespace::default().key(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(store.delete(&Namespace::default().key(name), Precondition::Always).is_err());
    }
    assert_eq!(store.increment(&id(), 1, None).unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(store.get(&id()).unwrap(), None);

    // Other namespaces are as in any store.
    let lease = Namespace::new("beaker.lease").key(ID);
    store.put(&lease, b"\0\xff", None, Precondition::Absent).unwrap().unwrap();
    assert_eq!(store.increment(&Namespace::new("visits").key("k"), 2, None).unwrap(), 2);
    let all = [id(), lease.clone()];
    let found = store.get_many(&all).unwrap();
    assert!(found[0].is_none() && &*found[1].as_ref().unwrap().bytes == b"\0\xff");
    store.delete_many(&all).unwrap();
    assert_eq!(store.get(&lease).unwrap(), None);
}

/// Of 16 writers at once who have seen the same, one succeeds, and then the next one.
fn check_races(store: &dyn Store) {
    store.put(&id(), b"0", None, Precondition::Always).unwrap();
    let start = Barrier::new(16);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..25 {
                    while !counted(store) {}
                }
            });
        }
    });
    assert_eq!(count(store), 16 * 25);
}

fn count(store: &dyn Store) -> u32 {
    let bytes = store.get(&id()).unwrap().unwrap().bytes;
    str::from_utf8(&bytes).unwrap().parse().unwrap()
}

/// Adds one, unless somebody else comes first.
fn counted(store: &dyn Store) -> bool {
    let found = store.get(&id()).unwrap().unwrap();
    let count: u32 = str::from_utf8(&found.bytes).unwrap().parse().unwrap();
    let next = (count + 1).to_string();
    let unchanged = Precondition::Unchanged(found.version);
    store.put(&id(), next.as_bytes(), None, unchanged).unwrap().is_some()
}
