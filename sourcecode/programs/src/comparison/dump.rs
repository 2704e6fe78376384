//! The bytes of a file, printed as `hexdump -C` prints them, with or without its gap in the middle.

const BYTES_A_LINE: usize = 16;

/// The bytes that some lines show.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dump {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: usize,
    /// Whether there is a gap after every eighth byte.
    pub(super) gap: bool,
}

/// The dump that these lines begin with. A line that does not come out the same when it is written
/// again, with its text column, is no part of a dump.
pub(super) fn read(lines: &[&str]) -> Option<Dump> {
    [true, false].into_iter().find_map(|gap| read_with(gap, lines))
}

fn read_with(gap: bool, lines: &[&str]) -> Option<Dump> {
    let mut dump = Dump { bytes: Vec::new(), lines: 0, gap };
    for line in lines {
        let part = parse(line).filter(|part| write(dump.bytes.len(), part, gap) == *line);
        let Some(part) = part else { break };
        dump.bytes.extend_from_slice(&part);
        dump.lines += 1;
        if part.len() < BYTES_A_LINE {
            break;
        }
    }
    if dump.lines == 0 {
        return None;
    }
    // After the last line, the length alone.
    if lines.get(dump.lines).is_some_and(|line| *line == format!("{:08x}", dump.bytes.len())) {
        dump.lines += 1;
    }
    Some(dump)
}

fn parse(line: &str) -> Option<Vec<u8>> {
    let (hex, _) = line.split_once('|')?;
    let mut words = hex.split_ascii_whitespace();
    words.next().filter(|offset| offset.len() == 8)?;
    let byte = |word: &str| u8::from_str_radix(word, 16).ok().filter(|_| word.len() == 2);
    let bytes: Vec<u8> = words.map(byte).collect::<Option<_>>()?;
    (1..=BYTES_A_LINE).contains(&bytes.len()).then_some(bytes)
}

/// One line of a dump.
fn write(offset: usize, bytes: &[u8], gap: bool) -> String {
    let half = |bytes: &[u8]| {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        hex.join(" ")
    };
    let (first, second) = bytes.split_at(bytes.len().min(BYTES_A_LINE / 2));
    let text: String = bytes.iter().map(|&byte| printable(byte)).collect();
    let gap = if gap { " " } else { "" };
    format!("{offset:08x}  {:<23} {gap}{:<23}  |{text}|", half(first), half(second))
}

fn printable(byte: u8) -> char {
    if matches!(byte, b' '..=b'~') { byte.into() } else { '.' }
}

#[cfg(test)]
mod tests {
    use super::{Dump, read, write};

    #[test]
    fn reads_what_hexdump_writes() {
        let dump = [
            "00000000  42 4b 46 31 00 ff 7f 20  7c 61 62 63 64 65 66 67  |BKF1... |abcdefg|",
            "00000010  68 0a                                             |h.|",
            "00000012",
            "after",
        ];
        let bytes = b"BKF1\x00\xff\x7f |abcdefgh\n".to_vec();
        assert_eq!(read(&dump), Some(Dump { bytes, lines: 3, gap: true }));
        assert_eq!(write(16, b"h\n", true), dump[1]);
        let dump = ["00000000  31 32 33 34 35 36 37 38 39                       |123456789|"];
        let bytes = b"123456789".to_vec();
        assert_eq!(read(&dump), Some(Dump { bytes, lines: 1, gap: false }));
    }

    #[test]
    fn other_lines_are_no_dump() {
        let check = |line: &str| assert_eq!(read(&[line]), None, "{line}");
        check("");
        check("Session ID: 00");
        check("00000001  68                                                |h|");
        check("00000000  68                                                |i|");
        check("00000000  68                                              |h|");
        check("00000000  6é                                                |h|");
    }
}
