//! Keys that are not text come in base64.

/// The bytes that this stands for, or nothing if it is no base64.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take_while(|&&byte| byte == b'=').count();
    let digits = text.get(..text.len().checked_sub(padding).filter(|_| padding <= 2)?)?;
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in digits.chunks(4) {
        let mut bits = 0u32;
        for &byte in chunk {
            bits = bits << 6 | digit(byte)?;
        }
        bits <<= 6 * (4 - chunk.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..chunk.len()]);
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u32> {
    let digit = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(digit.into())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decodes_and_refuses() {
        let check = |text: &str, bytes: Option<&[u8]>| {
            assert_eq!(decode(text.as_bytes()).as_deref(), bytes, "{text}");
        };
        check("Zm9vYmFy", Some(b"foobar"));
        check("Zm9vYg==", Some(b"foob"));
        check("Zm9vYmE=", Some(b"fooba"));
        check("AP8Q", Some(b"\x00\xff\x10"));
        check("", None);
        check("Zm9", None);
        check("Zm=vYg==", None);
        check("====", None);
        check("Zm9v!bcd", None);
    }
}
