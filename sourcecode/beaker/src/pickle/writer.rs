//! The graph as instructions, in the order and with the memo of Python's own pickler, so that what it wrote
//! comes out as it was.
//!
//! Lists, dicts, sets and objects are made empty, remembered, and filled. So one that contains itself finds
//! itself in the memo. A tuple or the arguments of a call have to be complete before there is anything to
//! remember. If such a one contains itself, it does so through a list, a dict, a set or an object. While that is
//! filled, the tuple is met again, and is made there and then, of what is in the memo by now; what was written
//! of it before is thrown away. So that this happens once and not once in each of its parts, nothing is filled
//! while a tuple is made for the second time: that waits until the tuple is there. The exception is a list that
//! only this call has as an argument. Python's classes are called with the items that they shall have in such a
//! list, so it is written once more, and filled.

use std::collections::HashSet;

use super::Pickle;
use super::cycles::{Edges, Groups, is_cycle};
use super::node::{Call, Change, Node, NodeId};
use super::opcode as op;
use super::output::Output;

/// Python fills in parts of so many items.
const PART: usize = 1000;

impl Pickle {
    /// Writes what the root leads to, so that Python makes equal objects of it, as shared as they were.
    ///
    /// The protocol is 2, 4 or 5: the one that is asked for, or the next one that has what is in the graph.
    /// Protocol 2 has no sets, except as calls, and no classes by the names that they have in Python 3; protocol
    /// 4 has no `bytearray`, except as a call.
    #[must_use]
    pub fn write(&self, protocol: u8) -> Vec<u8> {
        self.write_from(self.root, protocol)
    }

    /// Writes what this node leads to, as if it were the root.
    #[must_use]
    pub(crate) fn write_from(&self, root: NodeId, protocol: u8) -> Vec<u8> {
        let edges = Edges::of(&self.nodes);
        let groups = Groups::of(&edges, self.nodes.len(), root);
        let needed = groups.members().iter().map(|id| needed_protocol(self.node(*id))).max();
        let least = if protocol <= 2 { 2 } else { protocol.clamp(4, 5) };
        let protocol = needed.unwrap_or(least).max(least);
        let cycles =
            groups.each().map(|members| is_cycle(members, &edges).then(Cycle::default)).collect();
        let mut uses = vec![0_u32; self.nodes.len()];
        for id in groups.members() {
            edges.from(*id).iter().for_each(|child| uses[child.index()] += 1);
        }
        let mut writer = Writer {
            pickle: self,
            groups,
            cycles,
            uses,
            output: Output::new(protocol, self.nodes.len()),
            tasks: vec![Task::Write(root)],
            plan: Vec::new(),
        };
        while let Some(task) = writer.tasks.pop() {
            writer.run(task);
            // What is planned comes next, in the order in which it was planned.
            writer.tasks.extend(writer.plan.drain(..).rev());
        }
        writer.output.finish()
    }
}

/// The first of the protocols 2, 4 and 5 that has such a node.
fn needed_protocol(node: &Node) -> u8 {
    match node {
        Node::ByteArray(_) => 5,
        Node::Set(_) | Node::FrozenSet(_) | Node::Global { is_python_2: false, .. } => 4,
        Node::Object(object) => {
            let adds = object.changes.iter().any(|change| matches!(change, Change::Add(_)));
            if adds || matches!(object.call, Call::NewWithKeywords { .. }) { 4 } else { 2 }
        }
        _ => 2,
    }
}

/// Nodes that contain each other.
#[derive(Default)]
struct Cycle {
    /// Those that have been begun and are not remembered before all their parts are there.
    begun: HashSet<NodeId>,
    /// How many of them have been begun once more.
    again: usize,
    /// Those that are made and wait to be filled.
    waiting: Vec<NodeId>,
    /// Those that are made and not full yet.
    unfilled: HashSet<NodeId>,
    /// Those of them that are made once more.
    afresh: HashSet<NodeId>,
}

enum Task {
    /// A node, from the memo or as a whole.
    Write(NodeId),
    /// An instruction.
    Put(u8),
    /// A class whose names have been written.
    MakeGlobal(NodeId),
    /// A tuple, a frozen set or what a call makes, all of whose parts have been written. Was it begun while it
    /// had been begun already?
    Make(NodeId, bool),
    /// A node that was made earlier is filled.
    Fill(NodeId),
    /// What fills a node has been written.
    Filled(NodeId),
}

struct Writer<'a> {
    pickle: &'a Pickle,
    groups: Groups,
    /// For each group whether it is a cycle.
    cycles: Vec<Option<Cycle>>,
    /// In how many places each node is.
    uses: Vec<u32>,
    output: Output,
    /// What is left to do, the next one last.
    tasks: Vec<Task>,
    /// What the task at hand leads to.
    plan: Vec<Task>,
}

impl Writer<'_> {
    fn run(&mut self, task: Task) {
        match task {
            Task::Write(id) => {
                self.output.begin_object();
                let afresh = self.cycle(id).is_some_and(|cycle| cycle.afresh.remove(&id));
                if afresh || !self.output.fetch(id) {
                    self.write(id, afresh);
                }
            }
            Task::Filled(id) => {
                self.cycle(id).map(|cycle| cycle.unfilled.remove(&id));
            }
            Task::Put(opcode) => self.output.put(&[opcode]),
            Task::MakeGlobal(id) => {
                self.output.put(&[op::STACK_GLOBAL]);
                self.output.remember(id);
            }
            Task::Make(id, again) => self.make(id, again),
            Task::Fill(id) => {
                self.output.fetch(id);
                self.fill(id);
                self.plan.push(Task::Put(op::POP));
            }
        }
    }

    fn write(&mut self, id: NodeId, afresh: bool) {
        let pickle = self.pickle;
        match pickle.node(id) {
            Node::None => self.output.put(&[op::NONE]),
            Node::Bool(true) => self.output.put(&[op::NEWTRUE]),
            Node::Bool(false) => self.output.put(&[op::NEWFALSE]),
            Node::Int(value) => self.output.int(*value),
            Node::BigInt(bytes) => self.output.big_int(bytes),
            Node::Digits(digits) => self.output.digits(digits),
            Node::Float(value) => self.output.float(*value),
            Node::Extension(code) => self.output.extension(*code),
            Node::Text(text) => {
                self.output.text(text.as_bytes());
                self.output.remember(id);
            }
            Node::Surrogates(text) => {
                self.output.text(text);
                self.output.remember(id);
            }
            Node::Bytes(bytes) => {
                self.output.bytes(bytes);
                self.output.remember(id);
            }
            Node::ByteArray(bytes) => {
                self.output.byte_array(bytes);
                self.output.remember(id);
            }
            Node::Global { module, name, is_python_2: true } => {
                let text = |id| pickle.text(id).unwrap_or_default();
                self.output.python_2_global(text(*module), text(*name));
                self.output.remember(id);
            }
            Node::Global { module, name, is_python_2: false } => {
                self.plan.extend([Task::Write(*module), Task::Write(*name), Task::MakeGlobal(id)]);
            }
            Node::List(_) => self.make_empty(id, op::EMPTY_LIST, afresh),
            Node::Dict(_) => self.make_empty(id, op::EMPTY_DICT, afresh),
            Node::Set(_) => self.make_empty(id, op::EMPTY_SET, afresh),
            Node::Tuple(items) if items.is_empty() => self.output.put(&[op::EMPTY_TUPLE]),
            Node::Tuple(items) => {
                let mark = (items.len() > 3).then_some(op::MARK);
                self.begin(id, mark, items);
            }
            Node::FrozenSet(items) => self.begin(id, Some(op::MARK), items),
            Node::Object(object) => match &object.call {
                Call::Function { function, arguments } => {
                    self.begin(id, None, &[*function, *arguments]);
                }
                Call::New { class, arguments } => self.begin(id, None, &[*class, *arguments]),
                Call::NewWithKeywords { class, arguments, keywords } => {
                    self.begin(id, None, &[*class, *arguments, *keywords]);
                }
                Call::Instance { class, arguments } => {
                    let parts: Vec<NodeId> =
                        [class].into_iter().chain(arguments).copied().collect();
                    self.begin(id, Some(op::MARK), &parts);
                }
            },
        }
    }

    /// Makes what can be remembered before anything is in it.
    fn make_empty(&mut self, id: NodeId, opcode: u8, afresh: bool) {
        self.output.put(&[opcode]);
        self.output.remember(id);
        if afresh { self.fill(id) } else { self.fill_or_wait(id) }
    }

    /// Begins what is made of its parts.
    fn begin(&mut self, id: NodeId, mark: Option<u8>, parts: &[NodeId]) {
        let mut again = false;
        if let Some(cycle) = self.cycle(id) {
            again = !cycle.begun.insert(id);
            cycle.again += usize::from(again);
        }
        if again {
            self.make_arguments_afresh(id);
        }
        self.plan.extend(mark.map(Task::Put));
        self.plan.extend(parts.iter().copied().map(Task::Write));
        self.plan.push(Task::Make(id, again));
    }

    /// The lists that only this call has are written once more.
    fn make_arguments_afresh(&mut self, id: NodeId) {
        let (Node::Object(object), Some(group)) = (self.pickle.node(id), self.groups.group(id))
        else {
            return;
        };
        let Some(arguments) = object.call.arguments() else { return };
        let (Node::Tuple(items), 1) = (self.pickle.node(arguments), self.uses[arguments.index()])
        else {
            return;
        };
        let Some(cycle) = &mut self.cycles[group.index()] else { return };
        for item in items.iter().filter(|item| self.uses[item.index()] == 1) {
            let is_list =
                matches!(self.pickle.node(*item), Node::List(_) | Node::Dict(_) | Node::Set(_));
            if is_list && cycle.unfilled.remove(item) {
                cycle.afresh.insert(*item);
            }
        }
    }

    /// Makes it of its parts, and fills all that had to wait for it.
    fn make(&mut self, id: NodeId, again: bool) {
        let is_there = self.output.remembers(id);
        let opcodes: &[u8] = match self.pickle.node(id) {
            Node::Tuple(items) => match (items.len(), is_there) {
                (1, false) => &[op::TUPLE1],
                (2, false) => &[op::TUPLE2],
                (3, false) => &[op::TUPLE3],
                (_, false) => &[op::TUPLE],
                (count @ 1..=3, true) => &[op::POP; 3][..count],
                (_, true) => &[op::POP_MARK],
            },
            Node::Object(object) => match (&object.call, is_there) {
                (Call::Function { .. }, false) => &[op::REDUCE],
                (Call::Function { .. }, true) => &[op::REDUCE, op::POP],
                (Call::New { .. }, false) => &[op::NEWOBJ],
                (Call::New { .. }, true) => &[op::NEWOBJ, op::POP],
                (Call::NewWithKeywords { .. }, false) => &[op::NEWOBJ_EX],
                (Call::NewWithKeywords { .. }, true) => &[op::NEWOBJ_EX, op::POP],
                (Call::Instance { .. }, false) => &[op::OBJ],
                (Call::Instance { .. }, true) => &[op::POP_MARK],
            },
            _ if is_there => &[op::POP_MARK],
            _ => &[op::FROZENSET],
        };
        self.output.put(opcodes);
        if let Some(cycle) = self.cycle(id) {
            cycle.again -= usize::from(again);
        }
        if is_there {
            self.output.fetch(id);
        } else {
            self.output.remember(id);
            self.fill_or_wait(id);
        }
        if let Some(cycle) = self.cycle(id).filter(|cycle| cycle.again == 0) {
            let waiting = std::mem::take(&mut cycle.waiting);
            self.plan.extend(waiting.into_iter().map(Task::Fill));
        }
    }

    fn fill_or_wait(&mut self, id: NodeId) {
        let is_full = match self.pickle.node(id) {
            Node::List(items) | Node::Set(items) => items.is_empty(),
            Node::Dict(entries) => entries.is_empty(),
            Node::Object(object) => object.changes.is_empty(),
            _ => true,
        };
        match self.cycle(id) {
            _ if is_full => {}
            Some(cycle) if cycle.again > 0 => cycle.waiting.push(id),
            Some(cycle) => {
                cycle.unfilled.insert(id);
                self.fill(id);
                self.plan.push(Task::Filled(id));
            }
            None => self.fill(id),
        }
    }

    /// Plans what fills the node on top of the stack.
    fn fill(&mut self, id: NodeId) {
        match self.pickle.node(id) {
            Node::List(items) => self.fill_list(items),
            Node::Dict(entries) => self.fill_dict(entries),
            Node::Set(items) => self.fill_in_parts(items, op::ADDITEMS),
            Node::Object(object) => {
                for change in &object.changes {
                    match change {
                        Change::Append(items) => self.fill_list(items),
                        Change::Set(entries) => self.fill_dict(entries),
                        Change::Add(items) => self.fill_in_parts(items, op::ADDITEMS),
                        Change::State(state) => {
                            self.plan.extend([Task::Write(*state), Task::Put(op::BUILD)]);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn fill_list(&mut self, items: &[NodeId]) {
        match items {
            [item] => self.plan.extend([Task::Write(*item), Task::Put(op::APPEND)]),
            _ => self.fill_in_parts(items, op::APPENDS),
        }
    }

    fn fill_in_parts(&mut self, items: &[NodeId], opcode: u8) {
        for part in items.chunks(PART) {
            self.plan.push(Task::Put(op::MARK));
            self.plan.extend(part.iter().copied().map(Task::Write));
            self.plan.push(Task::Put(opcode));
        }
    }

    fn fill_dict(&mut self, entries: &[(NodeId, NodeId)]) {
        let write = |&(key, value): &(NodeId, NodeId)| [Task::Write(key), Task::Write(value)];
        if let [entry] = entries {
            self.plan.extend(write(entry));
            return self.plan.push(Task::Put(op::SETITEM));
        }
        for part in entries.chunks(PART) {
            self.plan.push(Task::Put(op::MARK));
            self.plan.extend(part.iter().flat_map(write));
            self.plan.push(Task::Put(op::SETITEMS));
        }
    }

    fn cycle(&mut self, id: NodeId) -> Option<&mut Cycle> {
        let group = self.groups.group(id)?;
        self.cycles[group.index()].as_mut()
    }
}
