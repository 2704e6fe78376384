//! Carries the instructions of a pickle out, as far as they make data.

use super::input::{self, Input};
use super::memo::Memo;
use super::node::{Call, Change, Node, NodeId, Object};
use super::opcode as op;
use super::refused::{Limits, Refused, Why};

const UNDERFLOW: Why = Why::Malformed("there is nothing on the stack that it could take");
const NO_MARK: Why = Why::Malformed("there is no mark on the stack");
const UNPAIRED: Why = Why::Malformed("a key has no value");
const NOT_REMEMBERED: Why = Why::Malformed("there is nothing with this number in the memo");

/// What a pickle has made.
pub(super) struct Read {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
    pub(super) protocol: u8,
    /// Did it use anything twice?
    pub(super) fetches: bool,
}

pub(super) fn run(bytes: &[u8], limits: &Limits) -> Result<Read, Refused> {
    if bytes.len() > limits.bytes {
        let why = Why::Limit { what: "bytes", most: limits.bytes };
        return Err(Refused { at: 0, opcode: None, why });
    }
    let mut machine = Machine {
        input: Input::new(bytes),
        limits,
        nodes: Vec::new(),
        heights: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Memo::default(),
        protocol: 0,
        fetches: false,
    };
    loop {
        let at = machine.input.at();
        let refused = |opcode, why| Refused { at, opcode, why };
        let opcode = machine.input.u8().map_err(|why| refused(None, why))?;
        if opcode == op::STOP {
            let root = machine.pop().map_err(|why| refused(Some(opcode), why))?;
            let Machine { nodes, protocol, fetches, .. } = machine;
            return Ok(Read { nodes, root, protocol, fetches });
        }
        machine.step(opcode).map_err(|why| refused(Some(opcode), why))?;
    }
}

struct Machine<'a> {
    input: Input<'a>,
    limits: &'a Limits,
    nodes: Vec<Node>,
    /// How deep the objects in each node contain each other. It is right as long as nothing is fetched.
    heights: Vec<u32>,
    stack: Vec<NodeId>,
    /// How high the stack was at each mark that is open.
    marks: Vec<u32>,
    memo: Memo,
    protocol: u8,
    fetches: bool,
}

impl Machine<'_> {
    fn step(&mut self, opcode: u8) -> Result<(), Why> {
        match opcode {
            op::PROTO => self.set_protocol(),
            op::FRAME => self.input.frame(),

            op::NONE => self.make(Node::None),
            op::NEWTRUE => self.make(Node::Bool(true)),
            op::NEWFALSE => self.make(Node::Bool(false)),
            op::BININT1 => self.input.u8().and_then(|value| self.make(Node::Int(value.into()))),
            op::BININT2 => self.input.u16().and_then(|value| self.make(Node::Int(value.into()))),
            op::BININT => self.input.i32().and_then(|value| self.make(Node::Int(value.into()))),
            op::LONG1 => self.counted(u8_length, |bytes| Ok(input::integer(bytes))),
            op::LONG4 => self.counted(signed_length, |bytes| Ok(input::integer(bytes))),
            op::INT => self.input.int_line().and_then(|node| self.make(node)),
            op::LONG => self.input.long_line().and_then(|node| self.make(node)),
            op::FLOAT => self.input.float_line().and_then(|node| self.make(node)),
            op::BINFLOAT => self.input.f64().and_then(|value| self.make(Node::Float(value))),

            op::UNICODE => self.input.escaped_line().and_then(|node| self.make(node)),
            op::SHORT_BINUNICODE => self.counted(u8_length, input::text),
            op::BINUNICODE => self.counted(u32_length, input::text),
            op::BINUNICODE8 => self.counted(u64_length, input::text),
            op::STRING => self.input.quoted_line().and_then(|node| self.make(node)),
            op::SHORT_BINSTRING => self.counted(u8_length, input::python_2),
            op::BINSTRING => self.counted(signed_length, input::python_2),
            op::SHORT_BINBYTES => self.counted(u8_length, |bytes| Ok(Node::Bytes(bytes.into()))),
            op::BINBYTES => self.counted(u32_length, |bytes| Ok(Node::Bytes(bytes.into()))),
            op::BINBYTES8 => self.counted(u64_length, |bytes| Ok(Node::Bytes(bytes.into()))),
            op::BYTEARRAY8 => self.counted(u64_length, |bytes| Ok(Node::ByteArray(bytes.into()))),

            op::EMPTY_TUPLE => self.make(Node::Tuple([].into())),
            op::TUPLE1 => self.tuple(1),
            op::TUPLE2 => self.tuple(2),
            op::TUPLE3 => self.tuple(3),
            op::TUPLE => self.marked().and_then(|items| self.make(Node::Tuple(items.into()))),
            op::EMPTY_LIST => self.make(Node::List(Vec::new())),
            op::LIST => self.marked().and_then(|items| self.make(Node::List(items))),
            op::EMPTY_DICT => self.make(Node::Dict(Vec::new())),
            op::DICT => {
                let entries = self.marked().and_then(paired)?;
                self.make(Node::Dict(entries))
            }
            op::EMPTY_SET => self.make(Node::Set(Vec::new())),
            op::FROZENSET => {
                self.marked().and_then(|items| self.make(Node::FrozenSet(items.into())))
            }

            op::APPEND => self.pop().and_then(|item| self.append(&[item])),
            op::APPENDS => self.marked().and_then(|items| self.append(&items)),
            op::SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(&[(key, value)])
            }
            op::SETITEMS => self.marked().and_then(paired).and_then(|entries| self.set(&entries)),
            op::ADDITEMS => self.marked().and_then(|items| self.add(&items)),

            op::GLOBAL => self.global_line(),
            op::STACK_GLOBAL => self.stack_global(),
            op::EXT1 => self.input.u8().and_then(|code| self.extension(code.into())),
            op::EXT2 => self.input.u16().and_then(|code| self.extension(code.into())),
            op::EXT4 => self.input.u32().and_then(|code| self.extension(code)),
            op::REDUCE => {
                let arguments = self.pop_tuple()?;
                let function = self.pop_callable()?;
                self.call(Call::Function { function, arguments })
            }
            op::NEWOBJ => {
                let arguments = self.pop_tuple()?;
                let class = self.pop_callable()?;
                self.call(Call::New { class, arguments })
            }
            op::NEWOBJ_EX => {
                let keywords = self.pop()?;
                if !matches!(self.nodes[keywords.index()], Node::Dict(_)) {
                    return Err(Why::Malformed("named arguments are a dict"));
                }
                let arguments = self.pop_tuple()?;
                let class = self.pop_callable()?;
                self.call(Call::NewWithKeywords { class, arguments, keywords })
            }
            op::INST => {
                let arguments = self.marked()?;
                self.global_line()?;
                let class = self.pop()?;
                self.call(Call::Instance { class, arguments })
            }
            op::OBJ => {
                let mut arguments = self.marked()?;
                if arguments.is_empty() {
                    return Err(UNDERFLOW);
                }
                let class = arguments.remove(0);
                self.check_callable(class)?;
                self.call(Call::Instance { class, arguments })
            }
            op::BUILD => {
                let state = self.pop()?;
                self.change(Change::State(state), &[state])
            }

            op::MARK => self.mark(),
            op::POP => self.pop_or_unmark(),
            op::POP_MARK => self.marked().map(drop),
            op::DUP => {
                let top = self.top()?;
                self.fetches = true;
                self.stack.push(top);
                Ok(())
            }
            op::PUT => self.input.key_line().and_then(|key| self.remember(key)),
            op::BINPUT => self.input.u8().and_then(|key| self.remember(key.into())),
            op::LONG_BINPUT => self.input.u32().and_then(|key| self.remember(key.into())),
            op::MEMOIZE => self.remember(self.memo.len() as u64),
            op::GET => self.input.key_line().and_then(|key| self.fetch(key)),
            op::BINGET => self.input.u8().and_then(|key| self.fetch(key.into())),
            op::LONG_BINGET => self.input.u32().and_then(|key| self.fetch(key.into())),

            op::PERSID | op::BINPERSID | op::NEXT_BUFFER | op::READONLY_BUFFER => Err(Why::Outside),
            _ => Err(Why::Unknown),
        }
    }

    fn set_protocol(&mut self) -> Result<(), Why> {
        self.protocol = self.input.u8()?;
        if self.protocol > 5 { Err(Why::Malformed("there is no such protocol")) } else { Ok(()) }
    }

    /// Makes a node, and puts it onto the stack.
    fn make(&mut self, node: Node) -> Result<(), Why> {
        if self.nodes.len() >= self.limits.nodes {
            return Err(Why::Limit { what: "objects", most: self.limits.nodes });
        }
        let mut inner = 0;
        node.each_child(|child| inner = inner.max(self.heights[child.index()]));
        let id = NodeId::at(self.nodes.len());
        self.nodes.push(node);
        self.heights.push(0);
        self.stack.push(id);
        self.raise(id, inner)
    }

    /// Notes that a node contains what is nested so deep.
    fn raise(&mut self, id: NodeId, inner: u32) -> Result<(), Why> {
        let height = &mut self.heights[id.index()];
        *height = inner.saturating_add(1).max(*height);
        // What contains itself would get higher each time; with fetches, the whole is measured at its end.
        if *height > self.limits.depth && !self.fetches {
            return Err(self.limits.too_deep());
        }
        Ok(())
    }

    fn counted(
        &mut self,
        length: fn(&mut Input<'_>) -> Result<u64, Why>,
        node: fn(&[u8]) -> Result<Node, Why>,
    ) -> Result<(), Why> {
        let length = length(&mut self.input)?;
        let node = node(self.input.counted(length)?)?;
        self.make(node)
    }

    /// How high the stack is at the last mark.
    fn bottom(&self) -> usize {
        self.marks.last().map_or(0, |mark| *mark as usize)
    }

    fn top(&self) -> Result<NodeId, Why> {
        self.stack[self.bottom()..].last().copied().ok_or(UNDERFLOW)
    }

    fn pop(&mut self) -> Result<NodeId, Why> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_or_unmark(&mut self) -> Result<(), Why> {
        match self.marks.last() {
            Some(mark) if *mark as usize == self.stack.len() => {
                self.marks.pop();
                Ok(())
            }
            _ => self.pop().map(drop),
        }
    }

    fn pop_tuple(&mut self) -> Result<NodeId, Why> {
        let arguments = self.pop()?;
        match self.nodes[arguments.index()] {
            Node::Tuple(_) => Ok(arguments),
            _ => Err(Why::Malformed("arguments are a tuple")),
        }
    }

    fn pop_callable(&mut self) -> Result<NodeId, Why> {
        let called = self.pop()?;
        self.check_callable(called)?;
        Ok(called)
    }

    fn check_callable(&self, called: NodeId) -> Result<(), Why> {
        match self.nodes[called.index()] {
            Node::Global { .. } | Node::Extension(_) | Node::Object(_) => Ok(()),
            _ => Err(Why::Malformed("this is nothing that can be called")),
        }
    }

    fn mark(&mut self) -> Result<(), Why> {
        let height = u32::try_from(self.stack.len());
        self.marks.push(height.map_err(|_| Why::Malformed("the stack is too high"))?);
        Ok(())
    }

    /// Takes what is above the last mark, and the mark.
    fn marked(&mut self) -> Result<Vec<NodeId>, Why> {
        let mark = self.marks.pop().ok_or(NO_MARK)?;
        Ok(self.stack.drain(mark as usize..).collect())
    }

    fn tuple(&mut self, count: usize) -> Result<(), Why> {
        let from = self.stack.len().checked_sub(count).filter(|from| *from >= self.bottom());
        let items = self.stack.drain(from.ok_or(UNDERFLOW)?..).collect();
        self.make(Node::Tuple(items))
    }

    fn append(&mut self, items: &[NodeId]) -> Result<(), Why> {
        let top = self.top()?;
        if let Node::List(list) = &mut self.nodes[top.index()] {
            list.extend_from_slice(items);
            return self.contain(top, items);
        }
        self.change(Change::Append(items.to_vec()), items)
    }

    fn set(&mut self, entries: &[(NodeId, NodeId)]) -> Result<(), Why> {
        let top = self.top()?;
        let inner: Vec<NodeId> = entries.iter().flat_map(|&(key, value)| [key, value]).collect();
        if let Node::Dict(dict) = &mut self.nodes[top.index()] {
            dict.extend_from_slice(entries);
            return self.contain(top, &inner);
        }
        self.change(Change::Set(entries.to_vec()), &inner)
    }

    fn add(&mut self, items: &[NodeId]) -> Result<(), Why> {
        let top = self.top()?;
        if let Node::Set(set) = &mut self.nodes[top.index()] {
            set.extend_from_slice(items);
            return self.contain(top, items);
        }
        self.change(Change::Add(items.to_vec()), items)
    }

    /// Notes what happens to the object on top of the stack; Python writes many items in parts.
    fn change(&mut self, change: Change, inner: &[NodeId]) -> Result<(), Why> {
        let top = self.top()?;
        let Node::Object(object) = &mut self.nodes[top.index()] else {
            return Err(Why::Malformed("what is on the stack does not take this"));
        };
        if inner.is_empty() {
            return Ok(());
        }
        match (object.changes.last_mut(), change) {
            (Some(Change::Append(before)), Change::Append(items))
            | (Some(Change::Add(before)), Change::Add(items)) => before.extend(items),
            (Some(Change::Set(before)), Change::Set(entries)) => before.extend(entries),
            (_, change) => object.changes.push(change),
        }
        self.contain(top, inner)
    }

    fn contain(&mut self, outer: NodeId, inner: &[NodeId]) -> Result<(), Why> {
        let highest = inner.iter().map(|id| self.heights[id.index()]).max();
        highest.map_or(Ok(()), |inner| self.raise(outer, inner))
    }

    /// A class or a function, by its names.
    fn global(&mut self, module: NodeId, name: NodeId) -> Result<(), Why> {
        self.make(Node::Global { module, name, is_python_2: self.protocol < 3 })
    }

    fn global_line(&mut self) -> Result<(), Why> {
        for _ in 0..2 {
            let name = self.input.name_line()?;
            self.make(Node::Text(name.into()))?;
        }
        self.stack_global()
    }

    fn stack_global(&mut self) -> Result<(), Why> {
        let name = self.pop()?;
        let module = self.pop()?;
        for id in [module, name] {
            if !matches!(self.nodes[id.index()], Node::Text(_)) {
                return Err(Why::Malformed("the name of a class is a text"));
            }
        }
        self.global(module, name)
    }

    fn extension(&mut self, code: u32) -> Result<(), Why> {
        if !(1..1 << 31).contains(&code) {
            return Err(Why::Malformed("no class has this number"));
        }
        self.make(Node::Extension(code))
    }

    fn call(&mut self, call: Call) -> Result<(), Why> {
        self.make(Node::Object(Box::new(Object { call, changes: Vec::new() })))
    }

    fn remember(&mut self, key: u64) -> Result<(), Why> {
        let top = self.top()?;
        if self.memo.len() >= self.limits.memo && self.memo.get(key).is_none() {
            return Err(Why::Limit { what: "objects in the memo", most: self.limits.memo });
        }
        self.memo.put(key, top);
        Ok(())
    }

    fn fetch(&mut self, key: u64) -> Result<(), Why> {
        let id = self.memo.get(key).ok_or(NOT_REMEMBERED)?;
        self.fetches = true;
        self.stack.push(id);
        Ok(())
    }
}

fn u8_length(input: &mut Input<'_>) -> Result<u64, Why> {
    input.u8().map(u64::from)
}

fn u32_length(input: &mut Input<'_>) -> Result<u64, Why> {
    input.u32().map(u64::from)
}

fn u64_length(input: &mut Input<'_>) -> Result<u64, Why> {
    input.u64()
}

fn signed_length(input: &mut Input<'_>) -> Result<u64, Why> {
    u64::try_from(input.i32()?).map_err(|_| Why::Malformed("a length is below zero"))
}

fn paired(items: Vec<NodeId>) -> Result<Vec<(NodeId, NodeId)>, Why> {
    let (pairs, rest) = items.as_chunks();
    if rest.is_empty() {
        Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
    } else {
        Err(UNPAIRED)
    }
}
