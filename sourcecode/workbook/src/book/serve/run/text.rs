//! Bytes that become text piece by piece: a letter, or a name to leave out, may come in two pieces.

/// The text of what a program prints.
#[derive(Debug, Default)]
pub struct Text {
    /// What was read of a letter that is not complete yet.
    letter: Vec<u8>,
    /// What may be the beginning of the name.
    held: String,
    /// A name that is left out.
    hidden: Option<String>,
}

impl Text {
    /// The text without this name: a panic says in which file it was, of whose folder a reader knows nothing.
    pub fn without(hidden: Option<&str>) -> Text {
        Text { hidden: hidden.map(str::to_owned), ..Text::default() }
    }

    /// The text of what came, but for the beginning of a letter or of the name at its end. What is no
    /// text becomes `\u{fffd}`.
    pub fn take(&mut self, bytes: &[u8]) -> String {
        self.letter.extend_from_slice(bytes);
        let mut text = std::mem::take(&mut self.held);
        let mut at = 0;
        for chunk in self.letter.utf8_chunks() {
            at += chunk.valid().len() + chunk.invalid().len();
            text.push_str(chunk.valid());
            let is_begin = at == self.letter.len() && is_begin(chunk.invalid());
            if is_begin {
                at -= chunk.invalid().len();
            } else if !chunk.invalid().is_empty() {
                text.push('\u{fffd}');
            }
        }
        self.letter.drain(..at);
        if let Some(hidden) = &self.hidden {
            text = text.replace(hidden, "");
            let mut ends = hidden.char_indices().rev().map(|(end, _)| end);
            let begun = ends.find(|end| text.ends_with(&hidden[..*end])).unwrap_or_default();
            self.held = text.split_off(text.len() - begun);
        }
        text
    }

    /// What could have been the beginning of the name, once no more has come for a while: a reader who is asked
    /// for something sees the whole question.
    pub fn settle(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// What is left when no more comes.
    pub fn rest(self) -> String {
        self.held + &String::from_utf8_lossy(&self.letter)
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

    #[test]
    fn a_name_is_left_out_in_however_many_pieces_it_comes() {
        let whole = "panicked at src/bin/page_1/main.rs:2, src/bin/src/bin/page_1/end src/bi";
        for size in 1..whole.len() {
            let mut text = Text::without(Some("src/bin/page_1/"));
            let mut read: String =
                whole.as_bytes().chunks(size).map(|part| text.take(part)).collect();
            read += &text.rest();
            assert_eq!(read, "panicked at main.rs:2, src/bin/end src/bi", "{size} bytes at a time");
        }
    }

    #[test]
    fn what_only_begins_like_the_name_is_shown_when_no_more_comes() {
        let mut text = Text::without(Some("exercises/"));
        assert_eq!(text.take(b"your name, please"), "your name, pleas");
        assert_eq!(text.settle(), "e");
        assert_eq!(text.take(b"xercises/"), "xercises/");
        assert_eq!(text.rest(), "");
    }
}
