//! Finds ids, times, signatures and ports in a line.

use super::piece::{Piece, Sort};

/// Characters of an id: 128 bits in hex.
pub(super) const ID_LENGTH: usize = 32;

/// Characters of an id that is shown in an error, with `…` after them.
const SHOWN_LENGTH: usize = 8;

/// Characters of a signature: 256 bits in base64url.
const SIGNATURE_LENGTH: usize = 43;

/// The pieces of a line, which together are the line.
pub(super) fn scan(line: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut rest, mut text) = (line, String::new());
    let mut before = None;
    while let Some(next) = rest.chars().next() {
        let found = if before.is_none_or(|before| !is_word(before)) { find(rest) } else { None };
        let (piece, length) = match found {
            Some((found, length)) => {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                (Some(found), length)
            }
            None => {
                text.push(next);
                (None, next.len_utf8())
            }
        };
        pieces.extend(piece.into_iter().flatten());
        before = rest[..length].chars().next_back();
        rest = &rest[length..];
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

/// What is at the beginning of this text, and how long it is.
fn find(text: &str) -> Option<(Vec<Piece>, usize)> {
    signed_id(text).or_else(|| shown_id(text)).or_else(|| time(text)).or_else(|| address(text))
}

fn signed_id(text: &str) -> Option<(Vec<Piece>, usize)> {
    let id = word(text, ID_LENGTH, is_hex)?;
    let mut pieces = vec![Piece::Name(Sort::Id, id.to_owned())];
    let mut length = ID_LENGTH;
    let is_base64url = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
    let signature = text[length..]
        .strip_prefix('.')
        .and_then(|after| word(after, SIGNATURE_LENGTH, is_base64url));
    if let Some(signature) = signature {
        pieces.push(Piece::text("."));
        pieces.push(Piece::Name(Sort::Signature, signature.to_owned()));
        length += 1 + SIGNATURE_LENGTH;
    }
    Some((pieces, length))
}

/// The first characters of an id, as errors show it.
fn shown_id(text: &str) -> Option<(Vec<Piece>, usize)> {
    let shown = word(text, SHOWN_LENGTH, is_hex)?;
    let is_cut = text[SHOWN_LENGTH..].starts_with('…');
    is_cut.then(|| (vec![Piece::Beginning(shown.to_owned(), SHOWN_LENGTH)], SHOWN_LENGTH))
}

fn time(text: &str) -> Option<(Vec<Piece>, usize)> {
    let seconds = text.get(..10).filter(|seconds| is_number(seconds))?;
    let micros = word(text[10..].strip_prefix('.')?, 6, |char| char.is_ascii_digit())?;
    let time = format!("{seconds}{micros}").parse().ok()?;
    Some((vec![Piece::Time(time)], 17))
}

fn address(text: &str) -> Option<(Vec<Piece>, usize)> {
    let host = ["127.0.0.1:", "localhost:"].into_iter().find(|host| text.starts_with(host))?;
    let after = &text[host.len()..];
    let digits = after.len() - after.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    let port = word(after, digits, |char| char.is_ascii_digit()).filter(|port| !port.is_empty())?;
    let port = Piece::Name(Sort::Port, port.to_owned());
    Some((vec![Piece::text(host), port], host.len() + digits))
}

/// The first characters of a text, if they are a whole word of such characters.
fn word(text: &str, length: usize, is_part: impl Fn(char) -> bool) -> Option<&str> {
    let word = text.get(..length).filter(|word| word.chars().all(is_part))?;
    let next = text[length..].chars().next();
    next.is_none_or(|next| !is_word(next)).then_some(word)
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Is this a digit of an id? Ids are written in small letters.
pub(super) fn is_hex(char: char) -> bool {
    matches!(char, '0'..='9' | 'a'..='f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_differs_at_every_run() {
        let check = |line: &str, expected: &str| {
            let shown: Vec<String> = scan(line)
                .into_iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text,
                    Piece::Name(sort, name) => format!("<{} {}>", sort.word(), name.len()),
                    Piece::Time(time) => format!("<time {time}>"),
                    Piece::Beginning(id, length) => format!("<{length} of {id}>"),
                })
                .collect();
            assert_eq!(shown.concat(), expected, "{line}");
        };
        let id = "0123456789abcdef0123456789abcdef";
        let signature = "-_CDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq";
        check("", "");
        check("Kimi Räikkönen", "Kimi Räikkönen");
        check("the session `01234567…` has", "the session `<8 of 01234567>…` has");
        check("x01234567… 0123456… 01234567", "x01234567… 0123456… 01234567");
        check(&format!("Session ID: {id}"), "Session ID: <id 32>");
        check(&format!("{id}.cache"), "<id 32>.cache");
        check(
            &format!("{id}0 x{id} é{id} {}", id.to_uppercase()),
            &format!("{id}0 x{id} é{id} {}", id.to_uppercase()),
        );
        check(&format!("id={id}.{signature}; Path=/"), "id=<id 32>.<signature 43>; Path=/");
        check(&format!("id={id}.{signature}x"), &format!("id=<id 32>.{signature}x"));
        check("\"_t\": 1763890000.123456,", "\"_t\": <time 1763890000123456>,");
        check(
            "11763890000.123456 1763890000.1234567 1763890000.12345",
            "11763890000.123456 1763890000.1234567 1763890000.12345",
        );
        check(
            "http://localhost:8000/ 127.0.0.1:1",
            "http://localhost:<port 4>/ 127.0.0.1:<port 1>",
        );
        check("localhost: localhost:x 10.0.0.1:80", "localhost: localhost:x 10.0.0.1:80");
        check("1763890000.1é3456 0123456789é", "1763890000.1é3456 0123456789é");
    }
}
