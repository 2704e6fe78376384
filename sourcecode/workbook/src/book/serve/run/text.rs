//! Bytes that become text piece by piece: a letter may come in two pieces.

/// What was read of a letter that is not complete yet.
#[derive(Debug, Default)]
pub struct Text(Vec<u8>);

impl Text {
    /// The text of what came, but for the begin of a letter at its end. What is no text becomes `\u{fffd}`.
    pub fn take(&mut self, bytes: &[u8]) -> String {
        self.0.extend_from_slice(bytes);
        let mut text = String::new();
        let mut at = 0;
        for chunk in self.0.utf8_chunks() {
            at += chunk.valid().len() + chunk.invalid().len();
            text.push_str(chunk.valid());
            let is_begin = at == self.0.len() && is_begin(chunk.invalid());
            if is_begin {
                at -= chunk.invalid().len();
            } else if !chunk.invalid().is_empty() {
                text.push('\u{fffd}');
            }
        }
        self.0.drain(..at);
        text
    }

    /// What is left when no more comes.
    pub fn rest(self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// Whether more bytes could make a letter of these.
fn is_begin(bytes: &[u8]) -> bool {
    let whole = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return false,
    };
    bytes.len() < whole && bytes[1..].iter().all(|byte| byte & 0xc0 == 0x80)
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn a_letter_may_come_in_pieces() {
        let whole = "Kimi Räikkönen, кэш, 𝄞";
        for size in 1..6 {
            let mut text = Text::default();
            let mut read: String =
                whole.as_bytes().chunks(size).map(|part| text.take(part)).collect();
            read += &text.rest();
            assert_eq!(read, whole, "{size} bytes at a time");
        }
    }

    #[test]
    fn what_is_no_text_is_shown_as_such() {
        let mut text = Text::default();
        assert_eq!(text.take(b"a\xff\xc3"), "a\u{fffd}");
        assert_eq!(text.take(b"b"), "\u{fffd}b");
        assert_eq!(text.take(b"\xe2\x82"), "");
        assert_eq!(text.rest(), "\u{fffd}");
    }
}
