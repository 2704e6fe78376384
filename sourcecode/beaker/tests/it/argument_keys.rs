//! Keys of arguments: two lists that differ never give one key.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use beaker::cache::{ArgumentKey, KeyPart};
use proptest::prelude::*;

/// An argument of any type.
#[derive(Debug, Clone, PartialEq)]
enum Argument {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    Usize(usize),
    I32(i32),
    I64(i64),
    Bool(bool),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    Nothing,
    Something(Box<Argument>),
    Pair(Box<(Argument, Argument)>),
    List(Vec<Argument>),
}

impl KeyPart for Argument {
    fn append(&self, key: &mut ArgumentKey) {
        match self {
            Argument::U8(it) => it.append(key),
            Argument::U16(it) => it.append(key),
            Argument::U32(it) => it.append(key),
            Argument::U64(it) => it.append(key),
            Argument::Usize(it) => it.append(key),
            Argument::I32(it) => it.append(key),
            Argument::I64(it) => it.append(key),
            Argument::Bool(it) => it.append(key),
            Argument::Char(it) => it.append(key),
            Argument::Text(it) => it.append(key),
            Argument::Bytes(it) => it.append(key),
            Argument::Nothing => None::<u8>.append(key),
            Argument::Something(it) => Some(it).append(key),
            Argument::Pair(it) => it.append(key),
            Argument::List(it) => it.append(key),
        }
    }
}

fn argument() -> impl Strategy<Value = Argument> {
    // Few values of each type, and texts of what keys are made of: so that lists are nearly equal.
    let small = || 0..3_u8;
    let leaf = prop_oneof![
        small().prop_map(Argument::U8),
        small().prop_map(|it| Argument::U16(it.into())),
        small().prop_map(|it| Argument::U32(it.into())),
        small().prop_map(|it| Argument::U64(it.into())),
        small().prop_map(|it| Argument::Usize(it.into())),
        (-2..2).prop_map(Argument::I32),
        (-2..2_i64).prop_map(Argument::I64),
        any::<bool>().prop_map(Argument::Bool),
        "[a!]".prop_map(|it| Argument::Char(it.chars().next().unwrap())),
        "[s\\x00-\\x03?]{0,3}".prop_map(Argument::Text),
        prop_oneof![Just(254), Just(255), Just(256)].prop_map(|n| Argument::Text("s".repeat(n))),
        prop::collection::vec(small(), 0..3).prop_map(Argument::Bytes),
        Just(Argument::Nothing),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|it| Argument::Something(it.into())),
            (inner.clone(), inner.clone()).prop_map(|it| Argument::Pair(it.into())),
            prop::collection::vec(inner, 0..3).prop_map(Argument::List),
        ]
    })
}

fn key(name: &str, list: &[Argument]) -> ArgumentKey {
    list.iter().fold(ArgumentKey::new(name), beaker::cache::ArgumentKey::with)
}

proptest! {
    // Each of them compares all pairs.
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn what_differs_has_another_key(
        lists in prop::collection::vec(("[ab]{0,2}", prop::collection::vec(argument(), 0..3)), 50),
    ) {
        let keys: Vec<ArgumentKey> = lists.iter().map(|(name, list)| key(name, list)).collect();
        for (one, one_key) in lists.iter().zip(&keys) {
            for (other, other_key) in lists.iter().zip(&keys) {
                prop_assert_eq!(one_key == other_key, one == other, "{:?} {:?}", one, other);
            }
        }
    }

    /// The next part, or the next list, cannot be mistaken for more of this one.
    #[test]
    fn no_part_is_the_beginning_of_another(parts in prop::collection::vec(argument(), 50)) {
        let keys: Vec<Vec<u8>> = parts.iter().map(bytes).collect();
        for (one, one_key) in parts.iter().zip(&keys) {
            for (other, other_key) in parts.iter().zip(&keys) {
                let begins = one_key.starts_with(other_key);
                prop_assert_eq!(begins, one == other, "{:?} {:?}", one, other);
            }
        }
    }
}

fn bytes<P: KeyPart + ?Sized>(part: &P) -> Vec<u8> {
    ArgumentKey::default().with(part).as_ref().to_vec()
}

#[test]
fn what_dogpile_and_beaker_mistake_for_one_another() {
    assert_ne!(bytes(&("a b", "c")), bytes(&("a", "b c")));
    assert_ne!(bytes(&(1, 2)), bytes(&("1", "2")));
    assert_ne!(bytes("1"), bytes(&1));
    assert_ne!(bytes(&Some("None")), bytes(&None::<&str>));
    assert_ne!(bytes(&(vec!["a"], vec!["b"])), bytes(&(vec!["a", "b"], Vec::<&str>::new())));
    assert_ne!(bytes(&1.0_f32), bytes(&1.0_f64));
    assert_ne!(bytes(&1.0_f64), bytes(&1.5_f64));
    assert_ne!(bytes(&u128::MAX), bytes(&i128::MAX));
}

#[test]
fn who_owns_it_does_not_matter() {
    let texts = [bytes("a"), bytes(&"a".to_owned()), bytes(&Arc::<str>::from("a"))];
    assert!(texts.iter().all(|text| *text == bytes(&Cow::Borrowed("a"))));
    assert_eq!(bytes(&[1_u8, 2]), bytes(&vec![1_u8, 2]));
    assert_eq!(bytes(&[1_u16, 2][..]), bytes(&Box::new([1_u16, 2])));
    assert_eq!(bytes(Path::new("a")), bytes(&Path::new("a").to_owned()));
    let set = BTreeSet::from(["b", "a"]);
    assert_eq!(bytes(&set), bytes(&["a", "b"]));
    let map = BTreeMap::from([(1, "a")]);
    assert_ne!(bytes(&map), bytes(&[(1, "a")]));
    let address: IpAddr = "127.0.0.1".parse().unwrap();
    assert_ne!(bytes(&address), bytes(&"::1".parse::<IpAddr>().unwrap()));
    assert_ne!(bytes(&Duration::from_secs(1)), bytes(&Duration::from_millis(1)));
}

#[test]
fn a_short_key_is_read_with_the_eyes() {
    let key = ArgumentKey::new("standings").with("Kimi").with(&2007_u32);
    assert_eq!(format!("{key:?}"), r"`s\tstandingss\x04KimiC\xd7\x07\x00\x00`");
}

#[cfg(feature = "macros")]
#[test]
fn derived() {
    #[derive(KeyPart)]
    struct Lap<D> {
        driver: D,
        number: u16,
    }
    #[derive(KeyPart)]
    struct Pair(u8, u8);
    #[derive(KeyPart)]
    struct Unit;
    #[derive(KeyPart)]
    enum Of {
        All,
        Driver(&'static str),
        Season { key: u32 },
    }
    #[derive(KeyPart)]
    enum Never {}

    let lap = |driver, number| bytes(&Lap { driver, number });
    assert_eq!(lap("Kimi", 1), lap("Kimi", 1));
    assert_ne!(lap("Kimi", 1), lap("Kimi", 2));
    assert_ne!(bytes(&Pair(1, 2)), bytes(&Pair(2, 1)));
    assert!(!bytes(&Unit).is_empty());
    let all = [Of::All, Of::Driver("All"), Of::Season { key: 1 }, Of::Season { key: 2 }];
    let keys: BTreeSet<_> = all.iter().map(bytes).collect();
    assert_eq!(keys.len(), all.len());
    assert_eq!(bytes(&None::<Never>), bytes(&None::<u8>));
}
