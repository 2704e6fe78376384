//! Commands as redis reads them: an array of strings.

use std::io::Write;

/// So many commands are sent before the first answer is read.
pub(super) const AT_ONCE: usize = 1000;

/// Appends a command to those that are sent together. The client's own type would copy each word
/// twice.
pub(super) fn append(commands: &mut Vec<u8>, words: &[&[u8]]) {
    // Writing to memory does not fail.
    let _ = write!(commands, "*{}\r\n", words.len());
    for word in words {
        let _ = write!(commands, "${}\r\n", word.len());
        commands.extend_from_slice(word);
        commands.extend_from_slice(b"\r\n");
    }
}

/// One command.
pub(super) fn pack(words: &[&[u8]]) -> Vec<u8> {
    const AROUND_A_WORD: usize = 16;
    let length = words.iter().map(|word| word.len() + AROUND_A_WORD).sum::<usize>();
    let mut command = Vec::with_capacity(length + AROUND_A_WORD);
    append(&mut command, words);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_an_array_of_strings() {
        assert_eq!(pack(&[b"GET", b"a b"]), b"*2\r\n$3\r\nGET\r\n$3\r\na b\r\n");
        let mut cmd = redis::cmd("SET");
        cmd.arg("key").arg(b"\r\n\0".as_slice()).arg("");
        assert_eq!(pack(&[b"SET", b"key", b"\r\n\0", b""]), cmd.get_packed_command());
    }
}
