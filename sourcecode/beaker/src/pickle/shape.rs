//! What is shared in a graph, what contains itself, and how large it is with all of that written out.

use super::cycles::{Edges, Groups, is_cycle};
use super::node::{Node, NodeId};

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
    pub(super) fn of(nodes: &[Node], root: NodeId, limit: u64) -> Shape {
        let edges = Edges::of(nodes);
        let groups = Groups::of(&edges, nodes.len(), root);
        let is_too_large = size(nodes, &edges, &groups) > limit;
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
        Shape { places, is_too_large }
    }

    pub(super) fn place(&self, id: NodeId) -> Place {
        self.places.get(id.index()).copied().unwrap_or(Place::Once)
    }
}

/// The size of it all. What contains itself counts once.
fn size(nodes: &[Node], edges: &Edges, groups: &Groups) -> u64 {
    let mut sizes = vec![0_u64; nodes.len()];
    let mut total = 0;
    for members in groups.each() {
        total = 0;
        for id in members {
            total = u64::saturating_add(total, own_size(&nodes[id.index()]));
            let inner = edges.from(*id).iter().map(|child| sizes[child.index()]);
            total = inner.fold(total, u64::saturating_add);
        }
        members.iter().for_each(|id| sizes[id.index()] = total);
    }
    // The root's group is the last one.
    total
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
