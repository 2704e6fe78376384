//! Nodes as values, and values as nodes.

use std::borrow::Cow;

use super::node::{Call, Node, NodeId};
use super::shape::Place;
use super::{Object, Pickle};
use crate::value::{DEEPEST, TooDeep, Value, Values};

/// Why there is no value.
pub type NoValue = Cow<'static, str>;

const TOO_LARGE: &str = "it is a whole number beyond 64 bits with a sign";
const SURROGATES: &str = "it is a text with half of a surrogate pair, which is no Unicode";
const TOO_DEEP: &str = "it is nested more than 64 levels deep";
const SHARED: &str = "it has a list or a dict that something else has too";
const IN_CYCLE: &str = "it contains itself";
const TOO_MUCH: &str = "it has something in common with others that together take too much memory";
const KEY: &str = "it has a key that is no text";
const NOWHERE: &str = "nothing leads to it";

impl Pickle {
    /// Returns a node as a value. Tuples become lists; `bytes` are bytes, whether the protocol has them or a call
    /// makes them.
    ///
    /// # Errors
    ///
    /// The reason why no value can hold it, as the rest of a sentence: an object of a class, an integer of more
    /// than 64 bits, more than 64 levels, a key that is no text; a list or a dict that is shared or contains
    /// itself, since a copy of it would not be the same in Python.
    pub fn value(&self, id: NodeId) -> Result<Value, NoValue> {
        self.value_within(id, DEEPEST)
    }

    /// Recurses once a level, and there are few of those.
    fn value_within(&self, id: NodeId, levels: usize) -> Result<Value, NoValue> {
        let levels = levels.checked_sub(1).ok_or(TOO_DEEP)?;
        let node = self.node(id);
        let place = self.shape.place(id);
        match place {
            Place::Nowhere => return Err(NOWHERE.into()),
            Place::InCycle => return Err(IN_CYCLE.into()),
            Place::Shared if matches!(node, Node::List(_) | Node::Dict(_)) => {
                return Err(SHARED.into());
            }
            Place::Shared if self.shape.is_too_large => return Err(TOO_MUCH.into()),
            Place::Shared | Place::Once => {}
        }
        let list = |items: &[NodeId]| -> Result<Value, NoValue> {
            let values = items.iter().map(|item| self.value_within(*item, levels));
            Ok(Value::List(values.collect::<Result<_, _>>()?))
        };
        Ok(match node {
            Node::None => Value::Null,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(value) => Value::Int(*value),
            Node::Float(value) => Value::Float(*value),
            Node::Text(text) => Value::Text(text.to_string()),
            Node::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Node::Tuple(items) => list(items)?,
            Node::List(items) => list(items)?,
            Node::Dict(entries) => {
                // As in Python, the last value of a key is the one that counts.
                let mut values = Values::new();
                for &(key, value) in entries {
                    let key = self.text(key).ok_or(KEY)?;
                    values.insert(key.to_owned(), self.value_within(value, levels)?);
                }
                Value::Map(values)
            }
            Node::Object(object) => match self.encoded(object) {
                Some(bytes) => Value::Bytes(bytes),
                None => return Err(self.no_value(object).into()),
            },
            Node::BigInt(_) | Node::Digits(_) => return Err(TOO_LARGE.into()),
            Node::Surrogates(_) => return Err(SURROGATES.into()),
            Node::ByteArray(_) => return Err("it is a Python `bytearray`".into()),
            Node::Set(_) => return Err("it is a Python `set`".into()),
            Node::FrozenSet(_) => return Err("it is a Python `frozenset`".into()),
            Node::Global { .. } | Node::Extension(_) => {
                return Err("it is a class or a function of Python".into());
            }
        })
    }

    /// Returns the class or the function that is called, by its full name; `None` for what has no name that
    /// could be shown.
    #[must_use]
    pub fn called(&self, call: &Call) -> Option<String> {
        self.name_of(call.called())
    }

    fn name_of(&self, class: NodeId) -> Option<String> {
        let Node::Global { module, name, .. } = self.node(class) else { return None };
        let (module, name) = (self.text(*module)?, self.text(*name)?);
        let is_name = |text: &str| {
            let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
            (1..=80).contains(&text.len()) && text.chars().all(is_plain)
        };
        match module {
            _ if !is_name(module) || !is_name(name) => None,
            "builtins" | "__builtin__" => Some(name.to_owned()),
            _ => Some(format!("{module}.{name}")),
        }
    }

    fn no_value(&self, object: &Object) -> String {
        let mut name = self.called(&object.call);
        // What makes objects of any class: the class is an argument.
        if matches!(name.as_deref(), Some("copyreg._reconstructor" | "copy_reg._reconstructor"))
            && let Call::Function { arguments, .. } = &object.call
            && let Node::Tuple(arguments) = self.node(*arguments)
        {
            name = arguments.first().and_then(|class| self.name_of(*class));
        }
        match name {
            Some(name) => format!("it is a Python `{name}`"),
            None => "it is an object of Python".to_owned(),
        }
    }

    /// The bytes that a call makes, as protocols up to 2 have them.
    fn encoded(&self, object: &Object) -> Option<Vec<u8>> {
        let Call::Function { arguments, .. } = &object.call else { return None };
        let Node::Tuple(arguments) = self.node(*arguments) else { return None };
        if !object.changes.is_empty() {
            return None;
        }
        match (self.called(&object.call)?.as_str(), &**arguments) {
            ("bytes", []) => Some(Vec::new()),
            ("_codecs.encode", [text, coding]) if self.text(*coding) == Some("latin1") => {
                self.text(*text)?.chars().map(|c| u8::try_from(c).ok()).collect()
            }
            _ => None,
        }
    }

    /// Adds a value, to be the root or in a dict, and returns its node.
    ///
    /// # Errors
    ///
    /// [`TooDeep`] for more than 64 levels.
    pub fn add(&mut self, value: &Value) -> Result<NodeId, TooDeep> {
        self.add_within(value, DEEPEST)
    }

    fn add_within(&mut self, value: &Value, levels: usize) -> Result<NodeId, TooDeep> {
        let levels = levels.checked_sub(1).ok_or(TooDeep)?;
        let node = match value {
            Value::Null => Node::None,
            Value::Bool(value) => Node::Bool(*value),
            Value::Int(value) => Node::Int(*value),
            Value::Float(value) => Node::Float(*value),
            Value::Text(text) => Node::Text(text.as_str().into()),
            Value::Bytes(bytes) => Node::Bytes(bytes.as_slice().into()),
            Value::List(values) => {
                let items = values.iter().map(|value| self.add_within(value, levels));
                Node::List(items.collect::<Result<_, _>>()?)
            }
            Value::Map(values) => {
                let mut entries = Vec::with_capacity(values.len());
                for (key, value) in values {
                    entries.push((self.add_text(key), self.add_within(value, levels)?));
                }
                Node::Dict(entries)
            }
        };
        Ok(self.push(node))
    }

    /// Adds a text, such as a key.
    pub fn add_text(&mut self, text: &str) -> NodeId {
        self.push(Node::Text(text.into()))
    }

    /// Adds a dict of nodes that are there already.
    pub fn add_dict(&mut self, entries: impl IntoIterator<Item = (NodeId, NodeId)>) -> NodeId {
        self.push(Node::Dict(entries.into_iter().collect()))
    }

    /// Adds a tuple of nodes that are there already.
    pub fn add_tuple(&mut self, items: impl IntoIterator<Item = NodeId>) -> NodeId {
        self.push(Node::Tuple(items.into_iter().collect()))
    }
}
