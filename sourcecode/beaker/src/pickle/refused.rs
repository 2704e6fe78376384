//! Limits, and why a pickle is refused.

use std::fmt;

use super::opcode;

/// What a pickle may ask for.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The size of the pickle, in bytes. Default: 16 MiB.
    pub bytes: usize,
    /// How many objects it may make, those included that it throws away. Default: 250,000.
    pub nodes: usize,
    /// How deep objects may contain each other. Default: 10,000. Python's own pickler gives up at about 1,000.
    pub depth: u32,
    /// How many objects it may remember. Default: 250,000.
    pub memo: usize,
    /// How many bytes it may take with everything written out that is shared, at 32 bytes for an object.
    /// Default: 32 MiB. A pickle over this limit is read; whatever is shared in it is no value.
    pub expansion: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            bytes: 16 << 20,
            nodes: 250_000,
            depth: 10_000,
            memo: 250_000,
            expansion: 32 << 20,
        }
    }
}

impl Limits {
    pub(super) fn too_deep(&self) -> Why {
        Why::Limit { what: "levels", most: self.depth as usize }
    }
}

/// A pickle that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// At which byte, counted from zero, the instruction is.
    pub at: usize,
    /// The instruction; `None` at the end of the pickle, and for one that is too large to begin with.
    pub opcode: Option<u8>,
    /// What is wrong with it.
    pub why: Why,
}

/// Why a pickle is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No protocol up to 5 has this instruction.
    Unknown,
    /// It refers to something outside the pickle, which only its writer's program can give.
    Outside,
    /// It asks for more than a limit allows.
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        most: usize,
    },
    /// Python could not load it either.
    Malformed(&'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pickle is refused at byte {}", self.at)?;
        match self.opcode.map(|code| (code, opcode::name(code))) {
            Some((_, Some(name))) => write!(f, ", {name}")?,
            Some((code, None)) => write!(f, ", opcode 0x{code:02x}")?,
            None => {}
        }
        match &self.why {
            Why::Unknown => f.write_str(": no protocol up to 5 has this opcode"),
            Why::Outside => f.write_str(": it refers to something outside the pickle"),
            Why::Limit { what, most } => write!(f, ": it has more than {most} {what}"),
            Why::Malformed(what) => write!(f, ": {what}"),
        }
    }
}

impl std::error::Error for Refused {}
