//! Whether two pickles are the same graph: equal objects, shared in the same way.

use std::collections::HashMap;
use std::mem::discriminant;

use beaker::pickle::{Call, Change, Node, NodeId, Pickle};

pub fn are_same(one: &Pickle, other: &Pickle) -> bool {
    let mut pairs = vec![(one.root(), other.root())];
    let (mut others, mut ones) = (HashMap::new(), HashMap::new());
    while let Some((id, other_id)) = pairs.pop() {
        let nodes = (one.node(id), other.node(other_id));
        if is_atom(nodes.0) {
            if !is_same_atom(nodes) {
                return false;
            }
            continue;
        }
        match (others.insert(id, other_id), ones.insert(other_id, id)) {
            (None, None) => {}
            (Some(before), Some(other_before)) if before == other_id && other_before == id => {
                continue;
            }
            _ => return false,
        }
        let text = |pickle: &Pickle, id| pickle.text(id).map(str::to_owned);
        let same = match nodes {
            // Their texts are not shared with anything if they are lines.
            (
                Node::Global { module, name, is_python_2 },
                Node::Global {
                    module: other_module,
                    name: other_name,
                    is_python_2: other_python_2,
                },
            ) => {
                is_python_2 == other_python_2
                    && text(one, *module) == text(other, *other_module)
                    && text(one, *name) == text(other, *other_name)
            }
            (one, other) if !parts(one).is_empty() || !parts(other).is_empty() => {
                let (parts, others) = (parts(one), parts(other));
                let same = discriminant(one) == discriminant(other)
                    && parts.len() == others.len()
                    && parts
                        .iter()
                        .zip(&others)
                        .all(|(part, other)| part.0 == other.0 && part.1.len() == other.1.len());
                let ids = |parts: Vec<(u8, Vec<NodeId>)>| parts.into_iter().flat_map(|part| part.1);
                pairs.extend(ids(parts).zip(ids(others)));
                same
            }
            (one, other) => one == other,
        };
        if !same {
            return false;
        }
    }
    true
}

/// What is never shared, since nobody could tell.
fn is_atom(node: &Node) -> bool {
    match node {
        Node::None
        | Node::Bool(_)
        | Node::Int(_)
        | Node::BigInt(_)
        | Node::Digits(_)
        | Node::Float(_)
        | Node::Extension(_) => true,
        Node::Tuple(items) => items.is_empty(),
        _ => false,
    }
}

fn is_same_atom(nodes: (&Node, &Node)) -> bool {
    match nodes {
        (Node::Float(one), Node::Float(other)) => one.to_bits() == other.to_bits(),
        (one, other) => one == other,
    }
}

/// The nodes that a node has, in the groups in which it has them.
fn parts(node: &Node) -> Vec<(u8, Vec<NodeId>)> {
    let flat = |entries: &[(NodeId, NodeId)]| {
        entries.iter().flat_map(|&(key, value)| [key, value]).collect()
    };
    match node {
        Node::Tuple(items) | Node::FrozenSet(items) => vec![(0, items.to_vec())],
        Node::List(items) | Node::Set(items) => vec![(0, items.clone())],
        Node::Dict(entries) => vec![(0, flat(entries))],
        Node::Object(object) => {
            let call = match &object.call {
                Call::Function { function, arguments } => (1, vec![*function, *arguments]),
                Call::New { class, arguments } => (2, vec![*class, *arguments]),
                Call::NewWithKeywords { class, arguments, keywords } => {
                    (3, vec![*class, *arguments, *keywords])
                }
                Call::Instance { class, arguments } => (4, [&[*class], &arguments[..]].concat()),
            };
            let changes = object.changes.iter().map(|change| match change {
                Change::Append(items) => (5, items.clone()),
                Change::Set(entries) => (6, flat(entries)),
                Change::Add(items) => (7, items.clone()),
                Change::State(state) => (8, vec![*state]),
            });
            [call].into_iter().chain(changes).collect()
        }
        _ => Vec::new(),
    }
}
