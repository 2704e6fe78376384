//! Answers, read from version 2 of redis' protocol. The client's own parser takes twice the time for
//! a large value, and keeps what came too early for whoever asks next.

use std::io::{self, BufRead, ErrorKind, Read};

use redis::{RedisResult, Value, parse_redis_value};

/// The longest line: a number, or why a command is refused.
const LONGEST_LINE: u64 = 64 * 1024;

/// The most that redis keeps in one value.
const LONGEST_VALUE: usize = 512 * 1024 * 1024;

/// So much is made room for because an answer claims it; more only as it comes.
const BELIEVED: usize = 1024 * 1024;

/// `CLUSTER SLOTS` has arrays in arrays in arrays.
const DEEPEST: usize = 8;

/// The next answer, a refusal too.
pub(super) fn read(reader: &mut impl BufRead) -> RedisResult<Value> {
    read_at(reader, 0)
}

fn read_at(reader: &mut impl BufRead, depth: usize) -> RedisResult<Value> {
    let mut line = Vec::new();
    reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    let Some([kind, text @ ..]) = line.strip_suffix(b"\r\n") else {
        let ended = !line.ends_with(b"\n") && (line.len() as u64) < LONGEST_LINE;
        let kind = if ended { ErrorKind::UnexpectedEof } else { ErrorKind::InvalidData };
        return Err(io::Error::from(kind).into());
    };
    match (kind, number(text)) {
        (b'+', _) if text == b"OK" => Ok(Value::Okay),
        (b'+' | b'-', _) => parse_redis_value(&line),
        (b':', Some(number)) => Ok(Value::Int(number)),
        (b'$' | b'*', Some(-1)) => Ok(Value::Nil),
        (b'$', Some(length)) => bulk(reader, length).map_err(Into::into),
        (b'*', Some(count @ 0..)) if depth < DEEPEST => {
            let mut values = Vec::new();
            for _ in 0..count {
                values.push(read_at(reader, depth + 1)?);
            }
            Ok(Value::Array(values))
        }
        _ => Err(io::Error::from(ErrorKind::InvalidData).into()),
    }
}

fn bulk(reader: &mut impl BufRead, length: i64) -> io::Result<Value> {
    let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST_VALUE);
    let length = length.ok_or(ErrorKind::InvalidData)?;
    let whole = length + 2;
    let mut bytes = Vec::with_capacity(whole.min(BELIEVED));
    reader.by_ref().take(whole as u64).read_to_end(&mut bytes)?;
    match bytes.get(length..) {
        Some(b"\r\n") => {
            bytes.truncate(length);
            Ok(Value::BulkString(bytes))
        }
        Some(end) if end.len() == 2 => Err(ErrorKind::InvalidData.into()),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_the_client_reads_them() {
        for answer in [
            "+OK\r\n",
            "+PONG\r\n",
            ":-12\r\n",
            "$-1\r\n",
            "*-1\r\n",
            "$0\r\n\r\n",
            "$4\r\na\r\nb\r\n",
            "*0\r\n",
            "*3\r\n:1\r\n*2\r\n$1\r\na\r\n$-1\r\n+b\r\n",
            "-ERR no\r\n",
            "-MOVED 12 127.0.0.1:7000\r\n",
        ] {
            let expected = parse_redis_value(answer.as_bytes()).unwrap();
            assert_eq!(read(&mut answer.as_bytes()).unwrap(), expected, "{answer}");
            for cut in 0..answer.len() {
                assert!(read(&mut &answer.as_bytes()[..cut]).unwrap_err().is_io_error(), "{cut}");
            }
        }
    }

    #[test]
    fn wrong_answers_are_errors() {
        let deep = "*1\r\n".repeat(100_000);
        let long = "+".repeat(100_000);
        for answer in [
            "",
            "\r\n",
            "x\r\n",
            ":\r\n",
            ":x\r\n",
            "$-2\r\n",
            "$1\r\nabc",
            "*-2\r\n",
            "$99999999999\r\n",
            "$500000000\r\nx",
            "*9999999999\r\n",
            "+a\n",
            &deep,
            &long,
        ] {
            assert!(read(&mut answer.as_bytes()).is_err(), "{answer:.20}");
        }
    }
}
