//! One command, taken apart.

/// The longest line before its end: a length, or a command typed by hand.
const LINE_LIMIT: usize = 64 * 1024;

/// The longest value that redis takes unless it is told otherwise.
const VALUE_LIMIT: i64 = 512 * 1024 * 1024;

/// The most words that a command may have.
const WORD_LIMIT: i64 = 1024 * 1024;

/// What was found at the beginning of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// The command is not complete yet.
    Incomplete,
    /// The words of a command, and the bytes that it took. No words: nothing to answer.
    Words(Vec<&'a [u8]>, usize),
    /// No command can begin like this: the line to answer before the connection is closed.
    Broken(String),
}

impl<'a> Request<'a> {
    /// Reads one command: an array of strings, or words on a line.
    pub(super) fn read(input: &'a [u8]) -> Request<'a> {
        let result = match input.first() {
            Some(b'*') => array(input),
            _ => inline(input),
        };
        match result {
            Ok(Some((words, used))) => Request::Words(words, used),
            Ok(None) => Request::Incomplete,
            Err(broken) => Request::Broken(format!("ERR Protocol error: {broken}")),
        }
    }
}

type Words<'a> = Result<Option<(Vec<&'a [u8]>, usize)>, String>;

fn array(input: &[u8]) -> Words<'_> {
    let Some((line, mut used)) = line(input, 0, "too big mbulk count string")? else {
        return Ok(None);
    };
    let count = number(&line[1..]).filter(|&count| count <= WORD_LIMIT);
    let count = count.ok_or("invalid multibulk length")?;
    let mut words = Vec::new();
    for _ in 0..count.max(0) {
        let Some((line, begin)) = line_at(input, used)? else { return Ok(None) };
        let [b'$', length @ ..] = line else {
            let found = line.first().map_or(' ', |&byte| byte as char);
            return Err(format!("expected '$', got '{found}'"));
        };
        let length = number(length).filter(|length| (0..=VALUE_LIMIT).contains(length));
        let length = length.ok_or("invalid bulk length")? as usize;
        let Some(word) = input.get(begin..begin + length) else { return Ok(None) };
        used = begin + length + 2;
        if input.len() < used {
            return Ok(None);
        }
        words.push(word);
    }
    Ok(Some((words, used)))
}

fn inline(input: &[u8]) -> Words<'_> {
    let Some((line, used)) = line(input, 0, "too big inline request")? else { return Ok(None) };
    let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    Ok(Some((words.collect(), used)))
}

fn line_at(input: &[u8], begin: usize) -> Result<Option<(&[u8], usize)>, String> {
    line(input, begin, "too big bulk count string")
}

/// The line from here, without its end, and where the next one begins.
fn line<'a>(
    input: &'a [u8],
    begin: usize,
    too_long: &str,
) -> Result<Option<(&'a [u8], usize)>, String> {
    let rest = input.get(begin..).unwrap_or_default();
    match rest.iter().take(LINE_LIMIT).position(|&byte| byte == b'\n') {
        Some(end) => {
            let line = &rest[..end];
            Ok(Some((line.strip_suffix(b"\r").unwrap_or(line), begin + end + 1)))
        }
        None if rest.len() >= LINE_LIMIT => Err(too_long.to_owned()),
        None => Ok(None),
    }
}

/// A whole number as redis reads it: no sign but `-`, no zeros before it.
pub(super) fn number(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let leading = digits.len() > 1 && digits[0] == b'0' || text == b"-0";
    std::str::from_utf8(text).ok()?.parse().ok().filter(|_| plain && !leading)
}
