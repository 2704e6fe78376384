//! Bytes, lines, numbers and texts of a pickle. Nothing is allocated for a length before that many bytes are
//! there.

use super::node::Node;
use super::refused::Why;

pub(super) const TRUNCATED: Why = Why::Malformed("the pickle ends in the middle");
const NO_NUMBER: Why = Why::Malformed("this is no number");
const NO_TEXT: Why = Why::Malformed("this is no text");

pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { bytes, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Why> {
        let (taken, _) = self.bytes[self.at..].split_at_checked(count).ok_or(TRUNCATED)?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Why> {
        let (taken, _) = self.bytes[self.at..].split_first_chunk().ok_or(TRUNCATED)?;
        self.at += N;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Why> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Why> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Why> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Why> {
        self.array().map(i32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Why> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn f64(&mut self) -> Result<f64, Why> {
        self.array().map(f64::from_be_bytes)
    }

    /// So many bytes, where the pickle says how many.
    pub(super) fn counted(&mut self, count: u64) -> Result<&'a [u8], Why> {
        self.take(usize::try_from(count).map_err(|_| TRUNCATED)?)
    }

    /// Checks that a frame is there, which is read like anything else.
    pub(super) fn frame(&mut self) -> Result<(), Why> {
        let length = self.u64()?;
        let is_there =
            usize::try_from(length).is_ok_and(|length| length <= self.bytes.len() - self.at);
        if is_there { Ok(()) } else { Err(TRUNCATED) }
    }

    /// What stands before the next line feed.
    pub(super) fn line(&mut self) -> Result<&'a [u8], Why> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or(TRUNCATED)?;
        self.at += length + 1;
        Ok(&rest[..length])
    }

    fn ascii_line(&mut self) -> Result<&'a str, Why> {
        let line = self.line()?;
        if line.is_ascii() {
            std::str::from_utf8(line).map_err(|_| NO_NUMBER)
        } else {
            Err(NO_NUMBER)
        }
    }

    /// The name of a class, or of a module.
    pub(super) fn name_line(&mut self) -> Result<&'a str, Why> {
        std::str::from_utf8(self.line()?).map_err(|_| NO_TEXT)
    }

    /// The key of something in the memo.
    pub(super) fn key_line(&mut self) -> Result<u64, Why> {
        let line = self.ascii_line()?;
        let is_plain = line.bytes().all(|byte| byte.is_ascii_digit());
        line.parse().ok().filter(|_| is_plain).ok_or(NO_NUMBER)
    }

    /// An integer, or one of the two texts that stand for truth values.
    pub(super) fn int_line(&mut self) -> Result<Node, Why> {
        match self.ascii_line()? {
            "00" => Ok(Node::Bool(false)),
            "01" => Ok(Node::Bool(true)),
            digits => decimal(digits),
        }
    }

    /// An integer of any size.
    pub(super) fn long_line(&mut self) -> Result<Node, Why> {
        let line = self.ascii_line()?;
        decimal(line.strip_suffix('L').unwrap_or(line))
    }

    pub(super) fn float_line(&mut self) -> Result<Node, Why> {
        self.ascii_line()?.parse().map(Node::Float).map_err(|_| NO_NUMBER)
    }

    /// A text of protocol 0: Latin-1 with escapes.
    pub(super) fn escaped_line(&mut self) -> Result<Node, Why> {
        let mut rest = self.line()?.iter().copied();
        let mut text = Vec::new();
        while let Some(byte) = rest.next() {
            if byte != b'\\' {
                put(&mut text, u32::from(byte))?;
                continue;
            }
            let digits = match rest.next() {
                Some(b'u') => 4,
                Some(b'U') => 8,
                after => {
                    text.push(b'\\');
                    after.map_or(Ok(()), |byte| put(&mut text, u32::from(byte)))?;
                    continue;
                }
            };
            let mut code = 0;
            for _ in 0..digits {
                let digit =
                    rest.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or(NO_TEXT)?;
                code = code << 4 | digit;
            }
            put(&mut text, code)?;
        }
        text_of(text)
    }

    /// A `str` of Python 2: in quotes, with the escapes of its source code.
    pub(super) fn quoted_line(&mut self) -> Result<Node, Why> {
        let line = self.line()?;
        let quoted = match line {
            [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
            _ => return Err(Why::Malformed("the text has no quotes around it")),
        };
        let mut rest = quoted.iter().copied().peekable();
        let mut bytes = Vec::new();
        while let Some(byte) = rest.next() {
            if byte != b'\\' {
                bytes.push(byte);
                continue;
            }
            let meant = match rest.next().ok_or(NO_TEXT)? {
                byte @ (b'\\' | b'\'' | b'"') => byte,
                b'a' => 7,
                b'b' => 8,
                b't' => b'\t',
                b'n' => b'\n',
                b'v' => 11,
                b'f' => 12,
                b'r' => b'\r',
                b'x' => {
                    let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
                    let code = digit().and_then(|high| Some(high << 4 | digit()?));
                    code.and_then(|code| u8::try_from(code).ok()).ok_or(NO_TEXT)?
                }
                byte @ b'0'..=b'7' => {
                    let mut code = u32::from(byte - b'0');
                    for _ in 0..2 {
                        let Some(digit) = rest.next_if(|byte| (b'0'..=b'7').contains(byte)) else {
                            break;
                        };
                        code = code << 3 | u32::from(digit - b'0');
                    }
                    u8::try_from(code).map_err(|_| NO_TEXT)?
                }
                byte => {
                    bytes.push(b'\\');
                    byte
                }
            };
            bytes.push(meant);
        }
        python_2(&bytes)
    }
}

/// A `str` of Python 2. Python 3 takes it for a text, and refuses what is not ASCII.
pub(super) fn python_2(bytes: &[u8]) -> Result<Node, Why> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Ok(Node::Text(text.into())),
        _ => Err(Why::Malformed("this text of Python 2 is not ASCII")),
    }
}

/// A text in UTF-8, which may have halves of surrogate pairs.
pub(super) fn text(bytes: &[u8]) -> Result<Node, Why> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Node::Text(text.into())),
        Err(_) if is_utf8_with_surrogates(bytes) => Ok(Node::Surrogates(bytes.into())),
        Err(_) => Err(NO_TEXT),
    }
}

fn text_of(bytes: Vec<u8>) -> Result<Node, Why> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Node::Text(text.into())),
        Err(error) => text(error.as_bytes()),
    }
}

fn is_utf8_with_surrogates(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Err(error) = std::str::from_utf8(rest) {
        rest = match &rest[error.valid_up_to()..] {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, after @ ..] => after,
            _ => return false,
        };
    }
    true
}

/// Appends a character, or half of a surrogate pair.
fn put(text: &mut Vec<u8>, code: u32) -> Result<(), Why> {
    match (char::from_u32(code), u16::try_from(code)) {
        (Some(character), _) => {
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        (None, Ok(half)) => {
            let [high, low] = half.to_be_bytes();
            text.extend_from_slice(&[0xed, 0x80 | (high & 0xf) << 2 | low >> 6, 0x80 | low & 0x3f]);
        }
        (None, Err(_)) => return Err(NO_TEXT),
    }
    Ok(())
}

/// An integer in decimal digits, as Python writes it.
fn decimal(text: &str) -> Result<Node, Why> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Python 3 reads no zeros before a number, and no more digits than this.
    if !is_number || digits.len() > 1 && digits.starts_with('0') || digits.len() > 4300 {
        return Err(NO_NUMBER);
    }
    Ok(text.parse().map_or_else(|_| Node::Digits(text.into()), Node::Int))
}

/// An integer in two's complement, the least byte first.
pub(super) fn integer(bytes: &[u8]) -> Node {
    let mut needed = bytes;
    // A last byte that only repeats the sign says nothing.
    while let [rest @ .., before, last] = needed
        && (*last == 0 && before & 0x80 == 0 || *last == 0xff && before & 0x80 != 0)
    {
        needed = &bytes[..rest.len() + 1];
    }
    if needed.len() > 8 {
        return Node::BigInt(needed.into());
    }
    let sign = if needed.last().is_some_and(|last| last & 0x80 != 0) { 0xff } else { 0 };
    let mut whole = [sign; 8];
    whole[..needed.len()].copy_from_slice(needed);
    Node::Int(i64::from_le_bytes(whole))
}
