//! Python's pickles, read as a graph and written back, without running anything.
//!
//! A pickle is a program for a small stack machine: it makes objects, calls classes and functions by their
//! names, and remembers what it made in a memo. [`Pickle::read`] carries the program out as far as it makes
//! data. A call is never made: it becomes a [`Node::Object`], which says what would be called with what. So a
//! `datetime`, a set or an object of the application survives a visit here, and Python makes it when it reads
//! what [`Pickle::write`] wrote. A memo fetch is the same node, so what was shared is shared afterwards too, and
//! a list that contains itself still does.
//!
//! # Why it is our own
//!
//! Two crates read pickles without running them, `serde-pickle` and `deser-pickle`. Both are made for serde, so
//! both give a tree of values: what was shared comes apart, and a `datetime` is refused or lost. A session that
//! Python shares would lose such entries at its first save. Neither limits what its input asks for either: a
//! text of a megabyte that is fetched 20,000 times exhausts the memory, and 2,000 lists in each other the stack
//! of the first one. Here nodes have [`Limits`], and nothing recurses deeper than the 64 levels of a
//! [`Value`](crate::Value).
//!
//! # The files, in reading order
//!
//! | file | what is there |
//! |---|---|
//! | `node` | what a pickle is made of |
//! | `opcode` | the instructions, by name |
//! | `refused` | limits, and why a pickle is refused |
//! | `input` | bytes, lines, numbers and texts of a pickle |
//! | `memo` | what a pickle remembers |
//! | `machine` | carries the instructions out |
//! | `cycles` | which nodes lead back to themselves |
//! | `shape` | what is shared, what contains itself, how large it all is written out |
//! | `values` | nodes as values, and values as nodes |
//! | `output` | bytes, numbers, texts and frames of a pickle |
//! | `writer` | the graph as instructions |
//! | `container` | the pickles of one text that Beaker has around its JSON |
//!
//! It is hidden, and no part of the public interface: the tests from outside, the fuzzer and the benchmark use
//! it beside the library itself.
#![allow(clippy::exhaustive_enums, clippy::exhaustive_structs, reason = "nobody outside uses it")]

mod container;
mod cycles;
mod input;
mod machine;
mod memo;
mod node;
mod opcode;
mod output;
mod refused;
mod shape;
mod values;
mod writer;

use std::collections::HashMap;

pub use container::{read_entry, read_text, write_entry, write_text};
pub use node::{Call, Change, Node, NodeId, Object};
pub use refused::{Limits, Refused, Why};
use shape::Shape;

/// A graph of Python's objects.
#[derive(Debug, Clone)]
pub struct Pickle {
    nodes: Vec<Node>,
    root: NodeId,
    protocol: u8,
    shape: Shape,
}

impl Default for Pickle {
    fn default() -> Pickle {
        Pickle::new()
    }
}

impl Pickle {
    /// Creates a graph whose root is `None`.
    #[must_use]
    pub fn new() -> Pickle {
        Pickle {
            nodes: vec![Node::None],
            root: NodeId::FIRST,
            protocol: 4,
            shape: Shape::default(),
        }
    }

    /// Reads a pickle within the default [`Limits`]. As in Python, what follows its end is not looked at.
    ///
    /// # Errors
    ///
    /// [`Refused`] for whatever Python itself cannot load, for a reference to something outside the pickle, for
    /// an opcode that no protocol up to 5 has, and for what exceeds a limit.
    pub fn read(bytes: &[u8]) -> Result<Pickle, Refused> {
        Pickle::read_within(bytes, &Limits::default())
    }

    /// Reads a pickle within these limits; fails as [`Pickle::read`] does.
    ///
    /// # Errors
    ///
    /// [`Refused`], as there.
    pub fn read_within(bytes: &[u8], limits: &Limits) -> Result<Pickle, Refused> {
        let read = machine::run(bytes, limits)?;
        // Without a fetch, each node is where it was made, and nowhere else.
        let shape = match read.fetches {
            false => Some(Shape::default()),
            true => Shape::of(&read.nodes, read.root, limits),
        };
        let too_deep = || Refused { at: bytes.len(), opcode: None, why: limits.too_deep() };
        let shape = shape.ok_or_else(too_deep)?;
        Ok(Pickle { nodes: read.nodes, root: read.root, protocol: read.protocol, shape })
    }

    /// Returns the object that Python makes of this pickle.
    #[must_use]
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// Makes another node the root. What only the former one led to is not written any more.
    pub fn set_root(&mut self, root: NodeId) {
        self.root = root;
    }

    /// Returns the protocol that the pickle said it had, 0 if it said nothing, and 4 if it is new.
    #[must_use]
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// Returns a node. Panics for an id of another graph that has more nodes.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Returns how many nodes there are, those included that the root does not lead to.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns whether there are none, which is never so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns the ids of all nodes.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId::at)
    }

    /// Returns the text of a node that is one.
    #[must_use]
    pub fn text(&self, id: NodeId) -> Option<&str> {
        match self.node(id) {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the entries of a dict, in their order; `None` for anything else. As in Python, a key that comes
    /// twice keeps its first place and its last value. Keys that are calls, tuples or sets are only compared
    /// by identity.
    #[must_use]
    pub fn entries(&self, id: NodeId) -> Option<Vec<(NodeId, NodeId)>> {
        let Node::Dict(written) = self.node(id) else { return None };
        let mut places = HashMap::with_capacity(written.len());
        let mut entries: Vec<(NodeId, NodeId)> = Vec::with_capacity(written.len());
        for &(key, value) in written {
            let place = *places.entry(self.key(key)).or_insert(entries.len());
            match entries.get_mut(place) {
                Some(entry) => entry.1 = value,
                None => entries.push((key, value)),
            }
        }
        Some(entries)
    }

    /// Returns the value of a text key in a dict.
    #[must_use]
    pub fn entry(&self, dict: NodeId, key: &str) -> Option<NodeId> {
        let Node::Dict(written) = self.node(dict) else { return None };
        // The last one wins.
        let found = written.iter().rfind(|entry| self.text(entry.0) == Some(key));
        found.map(|entry| entry.1)
    }

    /// What makes two keys of a dict the same one.
    fn key(&self, id: NodeId) -> Key<'_> {
        match self.node(id) {
            Node::None => Key::None,
            Node::Bool(value) => Key::Int(i64::from(*value)),
            Node::Int(value) => Key::Int(*value),
            // A float without a fraction is the same key as the integer.
            Node::Float(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                Key::Int(*value as i64)
            }
            Node::Float(value) => Key::Float(value.to_bits()),
            Node::Text(text) => Key::Text(text.as_bytes()),
            Node::Surrogates(text) => Key::Text(text),
            Node::Bytes(bytes) => Key::Bytes(bytes),
            _ => Key::Other(id),
        }
    }

    /// Adds any node. What it refers to has to be there when the pickle is written, and as a pickle can have it:
    /// see [`Node`] and [`Call`].
    pub fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId::at(self.nodes.len());
        self.nodes.push(node);
        id
    }
}

#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    None,
    Int(i64),
    Float(u64),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    Other(NodeId),
}
