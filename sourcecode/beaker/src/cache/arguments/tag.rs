//! The first byte of each part says of what type it is. They are stored, so they never change.

pub(super) const UNIT: u8 = b'(';
pub(super) const TUPLE: u8 = b')';
pub(super) const FALSE: u8 = b'-';
pub(super) const TRUE: u8 = b'+';
pub(super) const CHAR: u8 = b'c';
pub(super) const TEXT: u8 = b's';
pub(super) const BYTES: u8 = b'b';
pub(super) const PATH: u8 = b'/';
pub(super) const LIST: u8 = b'[';
pub(super) const MAP: u8 = b'{';
pub(super) const NOTHING: u8 = b'?';
pub(super) const SOMETHING: u8 = b'!';
pub(super) const DURATION: u8 = b'~';
pub(super) const IP_V4: u8 = b'4';
pub(super) const IP_V6: u8 = b'6';

pub(super) const U8: u8 = b'A';
pub(super) const U16: u8 = b'B';
pub(super) const U32: u8 = b'C';
pub(super) const U64: u8 = b'D';
pub(super) const U128: u8 = b'E';
pub(super) const USIZE: u8 = b'F';
pub(super) const I8: u8 = b'H';
pub(super) const I16: u8 = b'I';
pub(super) const I32: u8 = b'J';
pub(super) const I64: u8 = b'K';
pub(super) const I128: u8 = b'L';
pub(super) const ISIZE: u8 = b'M';
pub(super) const F32: u8 = b'P';
pub(super) const F64: u8 = b'Q';
