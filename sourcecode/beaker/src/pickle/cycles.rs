//! Which nodes lead to which, and which of them lead back to themselves.

use super::node::{Node, NodeId};

/// What each node refers to.
pub(super) struct Edges {
    /// Where the edges of each node begin; one more, for the end.
    starts: Vec<u32>,
    targets: Vec<NodeId>,
}

impl Edges {
    pub(super) fn of(nodes: &[Node]) -> Edges {
        let mut edges = Edges { starts: Vec::with_capacity(nodes.len() + 1), targets: Vec::new() };
        for node in nodes {
            edges.starts.push(edges.targets.len() as u32);
            node.each_child(|child| edges.targets.push(child));
        }
        edges.starts.push(edges.targets.len() as u32);
        edges
    }

    pub(super) fn from(&self, id: NodeId) -> &[NodeId] {
        &self.targets[self.starts[id.index()] as usize..self.starts[id.index() + 1] as usize]
    }
}

/// The nodes that a root leads to, in groups: those in a group lead to each other. Most groups are one node.
///
/// This is Tarjan's algorithm for strongly connected components, with a list of its own in the place of the
/// stack.
pub(super) struct Groups {
    /// The group of each node.
    of: Vec<Option<Group>>,
    /// The nodes, group by group. What a group leads to stands before it.
    members: Vec<NodeId>,
    /// Where each group ends in them.
    ends: Vec<u32>,
}

/// The number of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group(std::num::NonZeroU32);

impl Group {
    fn at(index: usize) -> Group {
        let number = u32::try_from(index + 1).ok().and_then(std::num::NonZeroU32::new);
        Group(number.expect("there are no more groups than nodes"))
    }

    pub(super) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Groups {
    pub(super) fn of(edges: &Edges, nodes: usize, root: NodeId) -> Groups {
        let mut groups = Groups { of: vec![None; nodes], members: Vec::new(), ends: Vec::new() };
        // When each node was met first, from 1, and the earliest one of those that are open that it leads to.
        let mut met = vec![0_u32; nodes];
        let mut earliest = vec![0_u32; nodes];
        let mut open = Vec::new();
        let mut path = Vec::new();
        let mut count = 0;
        let mut enter =
            |id: NodeId, met: &mut [u32], earliest: &mut [u32], open: &mut Vec<NodeId>| {
                count += 1;
                met[id.index()] = count;
                earliest[id.index()] = count;
                open.push(id);
                (id, 0)
            };
        path.push(enter(root, &mut met, &mut earliest, &mut open));
        while let Some((id, next)) = path.last_mut() {
            let id = *id;
            if let Some(&child) = edges.from(id).get(*next) {
                *next += 1;
                if met[child.index()] == 0 {
                    path.push(enter(child, &mut met, &mut earliest, &mut open));
                } else if groups.of[child.index()].is_none() {
                    earliest[id.index()] = earliest[id.index()].min(met[child.index()]);
                }
                continue;
            }
            path.pop();
            let own = earliest[id.index()];
            if let Some((outer, _)) = path.last() {
                earliest[outer.index()] = earliest[outer.index()].min(own);
            }
            if own == met[id.index()] {
                groups.close(id, &mut open);
            }
        }
        groups
    }

    /// All that is open from this node on is a group.
    fn close(&mut self, first: NodeId, open: &mut Vec<NodeId>) {
        let group = Group::at(self.ends.len());
        while let Some(member) = open.pop() {
            self.of[member.index()] = Some(group);
            self.members.push(member);
            if member == first {
                break;
            }
        }
        self.ends.push(self.members.len() as u32);
    }

    /// The group of a node; `None` if the root does not lead to it.
    pub(super) fn group(&self, id: NodeId) -> Option<Group> {
        self.of.get(id.index()).copied().flatten()
    }

    /// The members of each group. What a group leads to comes before it.
    pub(super) fn each(&self) -> impl DoubleEndedIterator<Item = &[NodeId]> {
        let start =
            |number: usize| number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        (0..self.ends.len())
            .map(move |number| &self.members[start(number)..self.ends[number] as usize])
    }

    /// The members of all of them.
    pub(super) fn members(&self) -> &[NodeId] {
        &self.members
    }
}

/// Do these, which are a group, contain themselves?
pub(super) fn is_cycle(members: &[NodeId], edges: &Edges) -> bool {
    match members {
        [single] => edges.from(*single).contains(single),
        _ => true,
    }
}
