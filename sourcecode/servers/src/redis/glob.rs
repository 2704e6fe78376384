//! Patterns as redis matches keys with them: `*`, `?`, `[a-c]`, `[^a]`, and `\` before any of these.

/// Whether all of the text matches.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| matches(rest, &text[skip..])),
        (_, []) => false,
        ([b'?', rest @ ..], [_, text @ ..]) => matches(rest, text),
        ([b'[', rest @ ..], [byte, text @ ..]) => {
            let (found, rest) = class(rest, *byte);
            found && matches(rest, text)
        }
        ([b'\\', escaped, rest @ ..], [byte, text @ ..]) => escaped == byte && matches(rest, text),
        ([same, rest @ ..], [byte, text @ ..]) => same == byte && matches(rest, text),
    }
}

/// Whether the byte is in the class that begins here, and what follows the class.
fn class(pattern: &[u8], byte: u8) -> (bool, &[u8]) {
    let (wanted, mut rest) = match pattern {
        [b'^', rest @ ..] => (false, rest),
        rest => (true, rest),
    };
    let mut found = false;
    loop {
        match rest {
            [] => return (found == wanted, rest),
            [b']', after @ ..] => return (found == wanted, after),
            [b'\\', escaped, after @ ..] => {
                found |= *escaped == byte;
                rest = after;
            }
            [first, b'-', last, after @ ..] => {
                found |= (*first.min(last)..=*first.max(last)).contains(&byte);
                rest = after;
            }
            [one, after @ ..] => {
                found |= *one == byte;
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        };
        check("", "", true);
        check("", "a", false);
        check("*", "", true);
        check("a*", "abc", true);
        check("a*c*", "abcd", true);
        check("a*c", "abcd", false);
        check("a?c", "abc", true);
        check("a?", "a", false);
        check("[a-c]x", "bx", true);
        check("[^a-c]x", "bx", false);
        check("[abc", "c", true);
        check("\\*", "*", true);
        check("\\*", "a", false);
        check("[\\]]", "]", true);
    }
}
