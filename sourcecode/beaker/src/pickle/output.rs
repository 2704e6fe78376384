//! Bytes, numbers, texts and frames of a pickle, as Python's pickler writes them.

use super::node::NodeId;
use super::opcode as op;

/// A frame ends before the next object once it is so long; texts and bytes of this size have none.
const FRAME_SIZE: usize = 64 * 1024;
/// A shorter frame is not worth its header.
const LEAST_FRAME: usize = 4;
const FRAME_HEADER: usize = 9;

pub(super) struct Output {
    bytes: Vec<u8>,
    pub(super) protocol: u8,
    /// Where the frame begins that is being written.
    frame: Option<usize>,
    /// The number in the memo of each node that is there.
    memo: Vec<Option<u32>>,
    remembered: u32,
}

impl Output {
    pub(super) fn new(protocol: u8, nodes: usize) -> Output {
        let memo = vec![None; nodes];
        Output { bytes: vec![op::PROTO, protocol], protocol, frame: None, memo, remembered: 0 }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.put(&[op::STOP]);
        self.end_frame();
        self.bytes
    }

    /// To be called before each object.
    pub(super) fn begin_object(&mut self) {
        if self.frame.is_some_and(|start| self.bytes.len() - start - FRAME_HEADER >= FRAME_SIZE) {
            self.end_frame();
        }
    }

    fn end_frame(&mut self) {
        let Some(start) = self.frame.take() else { return };
        let length = self.bytes.len() - start - FRAME_HEADER;
        if length < LEAST_FRAME {
            self.bytes.drain(start..start + FRAME_HEADER);
            return;
        }
        self.bytes[start] = op::FRAME;
        self.bytes[start + 1..start + FRAME_HEADER].copy_from_slice(&(length as u64).to_le_bytes());
    }

    /// Appends instructions.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        if self.protocol >= 4 && self.frame.is_none() {
            self.frame = Some(self.bytes.len());
            self.bytes.extend_from_slice(&[0; FRAME_HEADER]);
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a text or bytes. The instruction depends on how many bytes its length takes: one, four or eight.
    fn put_counted(&mut self, short: Option<u8>, medium: Option<u8>, long: u8, content: &[u8]) {
        let mut header = [0; FRAME_HEADER];
        let length = content.len() as u64;
        header[1..].copy_from_slice(&length.to_le_bytes());
        let (opcode, size) = match (short, medium) {
            (Some(short), _) if length <= 0xff => (short, 2),
            (_, Some(medium)) if length <= 0xffff_ffff => (medium, 5),
            _ => (long, FRAME_HEADER),
        };
        header[0] = opcode;
        if content.len() >= FRAME_SIZE {
            self.end_frame();
            self.bytes.extend_from_slice(&header[..size]);
        } else {
            self.put(&header[..size]);
        }
        self.bytes.extend_from_slice(content);
    }

    pub(super) fn text(&mut self, utf8: &[u8]) {
        let short = (self.protocol >= 4).then_some(op::SHORT_BINUNICODE);
        self.put_counted(short, Some(op::BINUNICODE), op::BINUNICODE8, utf8);
    }

    /// Appends bytes. Protocol 2 has none: there, a text is encoded by a call.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        if self.protocol >= 3 {
            return self.put_counted(
                Some(op::SHORT_BINBYTES),
                Some(op::BINBYTES),
                op::BINBYTES8,
                bytes,
            );
        }
        if bytes.is_empty() {
            self.global_line("__builtin__", "bytes");
            return self.put(&[op::EMPTY_TUPLE, op::REDUCE]);
        }
        self.global_line("_codecs", "encode");
        let text: String = bytes.iter().copied().map(char::from).collect();
        self.text(text.as_bytes());
        self.text(b"latin1");
        self.put(&[op::TUPLE2, op::REDUCE]);
    }

    pub(super) fn byte_array(&mut self, bytes: &[u8]) {
        self.put_counted(None, None, op::BYTEARRAY8, bytes);
    }

    pub(super) fn float(&mut self, value: f64) {
        self.put(&[op::BINFLOAT]);
        self.put(&value.to_be_bytes());
    }

    pub(super) fn int(&mut self, value: i64) {
        let bytes = value.to_le_bytes();
        match value {
            0..=0xff => self.put(&[op::BININT1, bytes[0]]),
            0x100..=0xffff => self.put(&[op::BININT2, bytes[0], bytes[1]]),
            _ if i32::try_from(value).is_ok() => {
                self.put(&[op::BININT]);
                self.put(&bytes[..4]);
            }
            _ => {
                // Without the bytes at the end that only repeat the sign.
                let is_needed = |count: &usize| {
                    let shift = 64 - 8 * *count as u32;
                    value << shift >> shift == value
                };
                let count = (5..8).find(is_needed).unwrap_or(8);
                self.big_int(&bytes[..count]);
            }
        }
    }

    /// Appends an integer in two's complement.
    pub(super) fn big_int(&mut self, bytes: &[u8]) {
        let length = bytes.len().to_le_bytes();
        match u8::try_from(bytes.len()) {
            Ok(length) => self.put(&[op::LONG1, length]),
            Err(_) => self.put(&[op::LONG4, length[0], length[1], length[2], length[3]]),
        }
        self.put(bytes);
    }

    /// Appends an integer in decimal digits.
    pub(super) fn digits(&mut self, digits: &str) {
        self.put(&[op::LONG]);
        self.put(digits.as_bytes());
        self.put(b"L\n");
    }

    fn global_line(&mut self, module: &str, name: &str) {
        self.put(&[op::GLOBAL]);
        self.put(format!("{module}\n{name}\n").as_bytes());
    }

    /// Appends a class by the names that it has in Python 2, which Python 3 translates in protocol 2 only.
    pub(super) fn python_2_global(&mut self, module: &str, name: &str) {
        if self.protocol > 2 {
            self.put(&[op::PROTO, 2]);
        }
        if module.contains('\n') || name.contains('\n') {
            self.text(module.as_bytes());
            self.text(name.as_bytes());
            self.put(&[op::STACK_GLOBAL]);
        } else {
            self.global_line(module, name);
        }
        if self.protocol > 2 {
            self.put(&[op::PROTO, self.protocol]);
        }
    }

    pub(super) fn extension(&mut self, code: u32) {
        let bytes = code.to_le_bytes();
        match code {
            0..=0xff => self.put(&[op::EXT1, bytes[0]]),
            0x100..=0xffff => self.put(&[op::EXT2, bytes[0], bytes[1]]),
            _ => {
                self.put(&[op::EXT4]);
                self.put(&bytes);
            }
        }
    }

    /// Remembers what is on top of the stack as this node.
    pub(super) fn remember(&mut self, id: NodeId) {
        let number = self.remembered;
        self.remembered += 1;
        self.memo[id.index()] = Some(number);
        match u8::try_from(number) {
            _ if self.protocol >= 4 => self.put(&[op::MEMOIZE]),
            Ok(number) => self.put(&[op::BINPUT, number]),
            Err(_) => {
                self.put(&[op::LONG_BINPUT]);
                self.put(&number.to_le_bytes());
            }
        }
    }

    pub(super) fn remembers(&self, id: NodeId) -> bool {
        self.memo[id.index()].is_some()
    }

    /// Fetches a node from the memo; returns whether it was there.
    pub(super) fn fetch(&mut self, id: NodeId) -> bool {
        let Some(number) = self.memo[id.index()] else { return false };
        match u8::try_from(number) {
            Ok(number) => self.put(&[op::BINGET, number]),
            Err(_) => {
                self.put(&[op::LONG_BINGET]);
                self.put(&number.to_le_bytes());
            }
        }
        true
    }
}
