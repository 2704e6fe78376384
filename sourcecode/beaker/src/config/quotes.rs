//! How a value stands in a line of text, and is read again.

use std::borrow::Cow;

/// A value as it stands in a line.
pub(super) fn quoted(value: &str) -> Cow<'_, str> {
    let is_plain = !value.chars().any(char::is_control)
        && !value.starts_with(['"', '#'])
        && comment_starts(value).is_none();
    match is_plain && value.trim() == value {
        true => value.into(),
        false => serde_json::Value::from(value).to_string().into(),
    }
}

/// The value that stands in a line, without the comment after it.
pub(super) fn unquoted(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    if !text.starts_with('"') {
        let end = if text.starts_with('#') { Some(0) } else { comment_starts(text) };
        return Some(text[..end.unwrap_or(text.len())].trim_end().into());
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = values.next()?.ok()?;
    let rest = text[values.byte_offset()..].trim_start();
    (rest.is_empty() || rest.starts_with('#')).then_some(value.into())
}

/// Where ` #` is: a `#` within a word belongs to it.
fn comment_starts(text: &str) -> Option<usize> {
    let mut before = ' ';
    text.char_indices().find_map(|(at, c)| {
        let starts = c == '#' && before.is_whitespace() && at > 0;
        before = c;
        starts.then_some(at)
    })
}
