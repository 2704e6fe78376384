//! What is shared in a graph, what contains itself, how deep it is, and how large with all of that written out.

use super::cycles::{Edges, Groups, is_cycle};
use super::node::{Node, NodeId};
use super::refused::Limits;

/// What an object of Python takes here, apart from its text.
const OBJECT: u64 = 32;

/// How a node is reached from the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Not at all.
    Nowhere,
    /// In one way.
    Once,
    /// In several ways.
    Shared,
    /// From itself.
    InCycle,
}

/// Without places, every node has one place.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    places: Vec<Place>,
    pub(super) is_too_large: bool,
}

impl Shape {
    /// `None` if objects contain each other deeper than the limit.
    pub(super) fn of(nodes: &[Node], root: NodeId, limits: &Limits) -> Option<Shape> {
        let edges = Edges::of(nodes);
        let groups = Groups::of(&edges, nodes.len(), root);
        let whole = measure(nodes, &edges, &groups);
        if whole.depth > limits.depth {
            return None;
        }
        let mut places = vec![Place::Nowhere; nodes.len()];
        places[root.index()] = Place::Once;
        for id in groups.members() {
            for child in edges.from(*id) {
                let place = &mut places[child.index()];
                *place = if *place == Place::Nowhere { Place::Once } else { Place::Shared };
            }
        }
        // What is in something shared is reached in as many ways as that is.
        for members in groups.each().rev() {
            if is_cycle(members, &edges) {
                members.iter().for_each(|id| places[id.index()] = Place::InCycle);
            }
            for id in members {
                if places[id.index()] == Place::Once {
                    continue;
                }
                for child in edges.from(*id) {
                    let place = &mut places[child.index()];
                    *place = if *place == Place::InCycle { Place::InCycle } else { Place::Shared };
                }
            }
        }
        Some(Shape { places, is_too_large: whole.size > limits.expansion })
    }

    pub(super) fn place(&self, id: NodeId) -> Place {
        self.places.get(id.index()).copied().unwrap_or(Place::Once)
    }
}

/// A node with all that is in it.
#[derive(Clone, Copy, Default)]
struct Measure {
    size: u64,
    depth: u32,
}

/// Measures the root. What contains itself counts once.
fn measure(nodes: &[Node], edges: &Edges, groups: &Groups) -> Measure {
    let mut measures = vec![Measure::default(); nodes.len()];
    let mut whole = Measure::default();
    for members in groups.each() {
        whole = Measure::default();
        for id in members {
            whole.size = whole.size.saturating_add(own_size(&nodes[id.index()]));
            for child in edges.from(*id) {
                let inner = measures[child.index()];
                whole.size = whole.size.saturating_add(inner.size);
                whole.depth = whole.depth.max(inner.depth);
            }
        }
        whole.depth += 1;
        members.iter().for_each(|id| measures[id.index()] = whole);
    }
    // The root's group is the last one.
    whole
}

fn own_size(node: &Node) -> u64 {
    let text = match node {
        Node::Text(text) | Node::Digits(text) => text.len(),
        Node::Surrogates(bytes)
        | Node::Bytes(bytes)
        | Node::ByteArray(bytes)
        | Node::BigInt(bytes) => bytes.len(),
        _ => 0,
    };
    OBJECT + text as u64
}
