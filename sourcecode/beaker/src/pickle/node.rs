//! What a pickle is made of.

/// The place of a node in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    pub(super) const FIRST: NodeId = NodeId(0);

    /// The limits, and the memory, end long before these numbers do.
    pub(super) fn at(index: usize) -> NodeId {
        NodeId(u32::try_from(index).expect("a graph has fewer than 2^32 nodes"))
    }

    /// Returns it as a number that counts from zero.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One of Python's objects, or a call that makes one.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer within 64 bits.
    Int(i64),
    /// Any other integer: two's complement, the least byte first, no byte more than needed.
    BigInt(Box<[u8]>),
    /// Any other integer of a pickle in text: its decimal digits, with a sign if it is negative. They are not
    /// computed with.
    Digits(Box<str>),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Text(Box<str>),
    /// A `str` with halves of surrogate pairs, in the UTF-8 that has three bytes for each of them.
    Surrogates(Box<[u8]>),
    /// `bytes`.
    Bytes(Box<[u8]>),
    /// A `bytearray` of protocol 5. Before that, it is a call.
    ByteArray(Box<[u8]>),
    /// A `tuple`.
    Tuple(Box<[NodeId]>),
    /// A `list`.
    List(Vec<NodeId>),
    /// A `dict`, as it was filled: see [`Pickle::entries`](super::Pickle::entries).
    Dict(Vec<(NodeId, NodeId)>),
    /// A `set` of protocol 4 or 5. Before that, it is a call.
    Set(Vec<NodeId>),
    /// A `frozenset` of protocol 4 or 5.
    FrozenSet(Box<[NodeId]>),
    /// A class or a function, by the texts of its module and its name.
    Global {
        /// The node of a text.
        module: NodeId,
        /// The node of a text.
        name: NodeId,
        /// Are both as Python 2 has them? Python 3 translates the names of pickles up to protocol 2.
        is_python_2: bool,
    },
    /// A class or a function, by its number in the registry of `copyreg`.
    Extension(u32),
    /// What a call makes.
    Object(Box<Object>),
}

/// What a call makes, and what happens to that afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What makes it.
    pub call: Call,
    /// What fills it, in this order.
    pub changes: Vec<Change>,
}

/// A call that is kept and never made. Arguments are a tuple.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// `function(*arguments)`.
    Function {
        /// A class, a function or an object.
        function: NodeId,
        /// A tuple.
        arguments: NodeId,
    },
    /// `class.__new__(class, *arguments)`.
    New {
        /// A class.
        class: NodeId,
        /// A tuple.
        arguments: NodeId,
    },
    /// `class.__new__(class, *arguments, **keywords)`.
    NewWithKeywords {
        /// A class.
        class: NodeId,
        /// A tuple.
        arguments: NodeId,
        /// A dict.
        keywords: NodeId,
    },
    /// An instance of a class of Python 2: `class(*arguments)`, or without arguments one that is not
    /// initialised.
    Instance {
        /// A class.
        class: NodeId,
        /// The arguments themselves.
        arguments: Vec<NodeId>,
    },
}

impl Call {
    /// Returns what is called.
    #[must_use]
    pub fn called(&self) -> NodeId {
        match self {
            Call::Function { function, .. } => *function,
            Call::New { class, .. }
            | Call::NewWithKeywords { class, .. }
            | Call::Instance { class, .. } => *class,
        }
    }

    /// Returns the tuple of arguments, if they are in one.
    #[must_use]
    pub fn arguments(&self) -> Option<NodeId> {
        match self {
            Call::Function { arguments, .. }
            | Call::New { arguments, .. }
            | Call::NewWithKeywords { arguments, .. } => Some(*arguments),
            Call::Instance { .. } => None,
        }
    }
}

/// What fills an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// `object.extend(items)`.
    Append(Vec<NodeId>),
    /// `object[key] = value`, for each.
    Set(Vec<(NodeId, NodeId)>),
    /// `object.update(items)`, of a set.
    Add(Vec<NodeId>),
    /// `object.__setstate__(state)`, or what Python does for an object without that.
    State(NodeId),
}

impl Node {
    /// Gives all nodes that this one refers to, in the order in which they are written.
    pub(super) fn each_child(&self, mut see: impl FnMut(NodeId)) {
        let mut see_all = |ids: &[NodeId]| ids.iter().copied().for_each(&mut see);
        match self {
            Node::Tuple(items) | Node::FrozenSet(items) => see_all(items),
            Node::List(items) | Node::Set(items) => see_all(items),
            Node::Dict(entries) => entries.iter().for_each(|&(key, value)| see_all(&[key, value])),
            Node::Global { module, name, .. } => see_all(&[*module, *name]),
            Node::Object(object) => {
                match &object.call {
                    Call::Function { function, arguments } => see_all(&[*function, *arguments]),
                    Call::New { class, arguments } => see_all(&[*class, *arguments]),
                    Call::NewWithKeywords { class, arguments, keywords } => {
                        see_all(&[*class, *arguments, *keywords]);
                    }
                    Call::Instance { class, arguments } => {
                        see_all(&[*class]);
                        see_all(arguments);
                    }
                }
                for change in &object.changes {
                    match change {
                        Change::Append(items) | Change::Add(items) => see_all(items),
                        Change::Set(entries) => {
                            entries.iter().for_each(|&(key, value)| see_all(&[key, value]));
                        }
                        Change::State(state) => see_all(&[*state]),
                    }
                }
            }
            _ => {}
        }
    }
}
