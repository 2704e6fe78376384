//! Anything at all: bytes are read or refused, and any graph comes out of a pickle as it went in.

use beaker::pickle::{Call, Change, Node, NodeId, Object, Pickle};
use proptest::collection::vec;
use proptest::prelude::*;

use super::made::{LINES, made};
use super::same::are_same;

/// What a node shall be; its numbers are taken for other nodes.
#[derive(Debug, Clone)]
struct Wish {
    kind: u8,
    numbers: Vec<usize>,
    text: String,
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let wish = (0..20_u8, vec(any::<usize>(), 0..6), "[a-c\n]{0,3}")
        .prop_map(|(kind, numbers, text)| Wish { kind, numbers, text });
    vec(wish, 1..40)
}

/// A graph with at least one node for each wish.
fn graph(wishes: &[Wish]) -> Pickle {
    // What comes later has a number already.
    let mut numbered = Pickle::new();
    for _ in 0..4 * wishes.len() {
        numbered.push(Node::None);
    }
    let all: Vec<NodeId> = numbered.ids().collect();
    let mut pickle = Pickle::new();
    let (mut tuples, mut dicts, mut called) = (Vec::new(), Vec::new(), Vec::new());
    let total = 1 + wishes.iter().map(nodes_for).sum::<usize>();
    for wish in wishes {
        let before: Vec<NodeId> =
            wish.numbers.iter().map(|number| all[number % pickle.len()]).collect();
        let any: Vec<NodeId> = wish.numbers.iter().map(|number| all[number % total]).collect();
        let pick = |from: &[NodeId]| {
            let at = wish.numbers.first().copied().unwrap_or(0);
            (!from.is_empty()).then(|| from[at % from.len()])
        };
        let pairs = |ids: &[NodeId]| ids.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let text = wish.text.as_str();
        let object = |call| {
            let changes = [
                Change::Append(any.clone()),
                Change::Set(pairs(&any)),
                Change::Add(any.clone()),
                Change::State(any.first().copied().unwrap_or(all[0])),
            ];
            let is_any = |change: &Change| match change {
                Change::Append(items) | Change::Add(items) => !items.is_empty(),
                Change::Set(entries) => !entries.is_empty(),
                Change::State(_) => true,
            };
            let chosen = |at: usize| wish.numbers.len() >> at & 1 == 1;
            let changes = changes.into_iter().filter(is_any).enumerate();
            let changes = changes.filter(|(at, _)| chosen(*at)).map(|(_, change)| change).collect();
            Node::Object(Box::new(Object { call, changes }))
        };
        match wish.kind {
            0 | 1 => drop(pickle.push(Node::List(any))),
            2 => dicts.push(pickle.push(Node::Dict(pairs(&any)))),
            3 => drop(pickle.push(Node::Set(any))),
            4 => drop(pickle.push(Node::FrozenSet(before.into()))),
            5..=7 => tuples.push(pickle.push(Node::Tuple(before.into()))),
            8 => {
                let (module, name) = (pickle.add_text(text), pickle.add_text("name"));
                let is_python_2 = wish.numbers.len() % 2 == 0;
                called.push(pickle.push(Node::Global { module, name, is_python_2 }));
            }
            9..=12 => {
                if let (Some(function), Some(arguments)) = (pick(&called), pick(&tuples)) {
                    let call = match (wish.kind, pick(&dicts)) {
                        (9, _) => Call::New { class: function, arguments },
                        (10, Some(keywords)) => {
                            Call::NewWithKeywords { class: function, arguments, keywords }
                        }
                        (11, _) => Call::Instance { class: function, arguments: before },
                        _ => Call::Function { function, arguments },
                    };
                    called.push(pickle.push(object(call)));
                }
            }
            13 => drop(pickle.add_text(text)),
            14 => drop(pickle.push(Node::Bytes(text.as_bytes().into()))),
            15 => drop(pickle.push(Node::ByteArray(text.as_bytes().into()))),
            16 => drop(pickle.push(Node::BigInt([&[1; 9][..], text.as_bytes()].concat().into()))),
            17 => called.push(pickle.push(Node::Extension(1 + wish.numbers.len() as u32 * 1000))),
            18 => drop(
                pickle.push(Node::Surrogates([text.as_bytes(), b"\xed\xa0\x80"].concat().into())),
            ),
            _ => drop(pickle.push(Node::Float(wish.numbers.len() as f64))),
        }
    }
    // Numbers that nothing has got.
    while pickle.len() < total {
        pickle.push(Node::None);
    }
    let last = all[pickle.len() - 1];
    let root =
        pickle.push(Node::List(all[..pickle.len()].iter().rev().copied().chain([last]).collect()));
    pickle.set_root(root);
    pickle
}

fn nodes_for(wish: &Wish) -> usize {
    if wish.kind == 8 { 3 } else { 1 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn read_inverts_write(wishes in wishes(), start in any::<usize>()) {
        let mut pickle = graph(&wishes);
        let roots: Vec<NodeId> = pickle.ids().collect();
        for root in [pickle.root(), roots[start % roots.len()]] {
            pickle.set_root(root);
            for protocol in [4, 5] {
                let written = pickle.write(protocol);
                let again = Pickle::read(&written).map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert!(are_same(&pickle, &again), "{:?} {}", pickle, written.escape_ascii());
            }
            let written = pickle.write(2);
            let again = Pickle::read(&written).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert!(written[1] == 2 || are_same(&pickle, &again));
        }
    }

    #[test]
    fn bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..60)) {
        check(&bytes);
    }

    #[test]
    fn instructions_are_read_or_refused(
        codes in vec(prop::sample::select(&b"().012CKNRX]abdehlopqstu}\x81\x85\x86\x88\x8f\x90\x91\x92\x94\x00\x01\n"[..]), 0..40)
    ) {
        check(&[&codes[..], b"."].concat());
    }

    #[test]
    fn damaged_pickles_are_read_or_refused(at in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let all = made(LINES);
        let mut bytes = at.get(&all).bytes.clone();
        let place = place.index(bytes.len());
        check(&bytes[..place]);
        bytes[place] = byte;
        check(&bytes);
    }
}

fn check(bytes: &[u8]) {
    let Ok(pickle) = Pickle::read(bytes) else { return };
    for id in pickle.ids() {
        let _ = pickle.value(id);
        let _ = pickle.entries(id);
    }
    let written = pickle.write(4);
    let again = Pickle::read(&written).unwrap();
    assert!(are_same(&pickle, &again), "{}", bytes.escape_ascii());
}
