//! Where each entry of a JSON object begins and ends, at any depth, before anything is made of it.

/// An entry of an object, as it is written.
pub(crate) struct Entry<'a> {
    /// With its quotes.
    pub(crate) key: &'a str,
    pub(crate) json: &'a str,
}

/// The entries of an object, in their order; `None` if the text is none.
pub(crate) fn entries(text: &str) -> Option<Vec<Entry<'_>>> {
    let mut scanner = Scanner { text, at: 0 };
    let mut entries = Vec::new();
    if !scanner.eat(b'{') {
        return None;
    }
    if !scanner.eat(b'}') {
        loop {
            let key = scanner.key()?;
            entries.push(Entry { key, json: scanner.value()? });
            if !scanner.eat(b',') {
                break;
            }
        }
        if !scanner.eat(b'}') {
            return None;
        }
    }
    scanner.is_at_end().then_some(entries)
}

/// A place in a JSON text. White space is skipped before whatever is asked for.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0 }
    }

    /// The next byte.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let blank = rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
        self.at += blank;
        rest.get(blank).copied()
    }

    pub(super) fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// A key, and the colon after it.
    pub(super) fn key(&mut self) -> Option<&'a str> {
        let key = self.string()?;
        self.eat(b':').then_some(key)
    }

    /// A text, with its quotes. Its escapes are not looked at.
    pub(super) fn string(&mut self) -> Option<&'a str> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let (start, rest) = (self.at, &self.text.as_bytes()[self.at + 1..]);
        let mut is_escaped = false;
        for (length, byte) in rest.iter().enumerate() {
            match byte {
                b'"' if !is_escaped => {
                    self.at += length + 2;
                    return Some(&self.text[start..self.at]);
                }
                ..0x20 => return None,
                _ => is_escaped = *byte == b'\\' && !is_escaped,
            }
        }
        None
    }

    /// A number, or a word such as `null`.
    pub(super) fn scalar(&mut self) -> Option<&'a str> {
        self.peek()?;
        let rest = &self.text[self.at..];
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c));
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        let words = ["null", "true", "false", "NaN", "Infinity", "-Infinity"];
        if !words.contains(&word) && !is_number(word) {
            return None;
        }
        self.at += word.len();
        Some(word)
    }

    /// Any value. What is open is in a list, and not on the stack.
    fn value(&mut self) -> Option<&'a str> {
        self.peek()?;
        let start = self.at;
        let mut closers = Vec::new();
        loop {
            match self.peek()? {
                b'[' => {
                    self.at += 1;
                    if !self.eat(b']') {
                        closers.push(b']');
                        continue;
                    }
                }
                b'{' => {
                    self.at += 1;
                    if !self.eat(b'}') {
                        closers.push(b'}');
                        self.key()?;
                        continue;
                    }
                }
                b'"' => drop(self.string()?),
                _ => drop(self.scalar()?),
            }
            loop {
                let Some(&closer) = closers.last() else {
                    return Some(&self.text[start..self.at]);
                };
                if self.eat(b',') {
                    if closer == b'}' {
                        self.key()?;
                    }
                    break;
                }
                if !self.eat(closer) {
                    return None;
                }
                closers.pop();
            }
        }
    }
}

/// `-0.5e+10`: what JSON calls a number.
fn is_number(word: &str) -> bool {
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let word = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = word.split_once(['e', 'E']).unwrap_or((word, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let has_no_zero_before = whole == "0" || !whole.starts_with('0');
    are_digits(whole) && has_no_zero_before && are_digits(fraction) && are_digits(exponent)
}
