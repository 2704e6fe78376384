//! What is made of other parts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{ArgumentKey, KeyPart, tag};

impl<P: KeyPart> KeyPart for [P] {
    fn append(&self, key: &mut ArgumentKey) {
        P::append_list(self, key);
    }
}

impl<P: KeyPart> KeyPart for Vec<P> {
    fn append(&self, key: &mut ArgumentKey) {
        self.as_slice().append(key);
    }
}

impl<P: KeyPart, const N: usize> KeyPart for [P; N] {
    fn append(&self, key: &mut ArgumentKey) {
        self.as_slice().append(key);
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
