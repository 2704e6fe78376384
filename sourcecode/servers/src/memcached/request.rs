//! One command line, taken apart.

use super::base64;

/// The longest key, as it is sent.
const KEY_LIMIT: usize = 250;

/// The longest opaque token, with its letter.
const OPAQUE_LIMIT: usize = 32;

/// What is wrong with a command: the line to answer.
pub(super) type Refusal = &'static str;

pub(super) const BAD_FORMAT: Refusal = "CLIENT_ERROR bad command line format";
pub(super) const BAD_TOKEN: Refusal = "CLIENT_ERROR bad token in command line format";
pub(super) const INVALID_FLAG: Refusal = "CLIENT_ERROR invalid flag";

/// The key and the flags of a meta command.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// The key, decoded.
    pub(super) key: Vec<u8>,
    /// The key as it was sent, to be sent back.
    pub(super) sent_key: &'a [u8],
    /// The flags in their order: a letter and what follows it.
    pub(super) flags: Vec<(u8, &'a str)>,
}

impl<'a> Request<'a> {
    /// Reads a key that may be used.
    pub(super) fn key(token: Option<&&'a [u8]>) -> Result<&'a [u8], Refusal> {
        token.copied().filter(|key| key.len() <= KEY_LIMIT).ok_or(BAD_FORMAT)
    }

    /// Reads the flags after the key. Each may come once, and must be one of `known`.
    pub(super) fn new(
        sent_key: &'a [u8],
        tokens: &[&'a [u8]],
        known: &[u8],
    ) -> Result<Request<'a>, Refusal> {
        let mut flags: Vec<(u8, &str)> = Vec::with_capacity(tokens.len());
        for token in tokens {
            let (&letter, rest) = token.split_first().ok_or(BAD_FORMAT)?;
            if flags.iter().any(|&(seen, _)| seen == letter) {
                return Err("CLIENT_ERROR duplicate flag");
            }
            if letter == b'O' && token.len() > OPAQUE_LIMIT {
                return Err("CLIENT_ERROR opaque token too long");
            }
            // Proxies read these two, memcached does not.
            if !b"PL".contains(&letter) {
                flags.push((letter, std::str::from_utf8(rest).map_err(|_| BAD_TOKEN)?));
            }
        }
        let mut request = Request { key: sent_key.to_vec(), sent_key, flags };
        if request.has(b'b') {
            request.key = base64::decode(sent_key).ok_or("CLIENT_ERROR error decoding key")?;
        }
        request.check_numbers()?;
        match request.flags.iter().all(|(letter, _)| known.contains(letter)) {
            true => Ok(request),
            false => Err(INVALID_FLAG),
        }
    }

    pub(super) fn has(&self, letter: u8) -> bool {
        self.text(letter).is_some()
    }

    /// The number after this flag, if the flag is there. [`Request::new`] has checked that it is
    /// a number.
    pub(super) fn number<T: std::str::FromStr>(&self, letter: u8) -> Option<T> {
        self.text(letter).and_then(|text| text.parse().ok())
    }

    /// The letter after `M`.
    pub(super) fn mode(&self) -> Option<u8> {
        self.text(b'M').and_then(|mode| mode.bytes().next())
    }

    fn text(&self, letter: u8) -> Option<&'a str> {
        self.flags.iter().find(|&&(found, _)| found == letter).map(|&(_, text)| text)
    }

    fn check_numbers(&self) -> Result<(), Refusal> {
        for &(letter, text) in &self.flags {
            match letter {
                b'T' | b'N' | b'R' => text.parse::<i32>().map(drop).map_err(|_| BAD_TOKEN)?,
                b'C' | b'D' | b'J' => text.parse::<u64>().map(drop).map_err(|_| BAD_TOKEN)?,
                b'F' => text.parse::<u32>().map(drop).map_err(|_| BAD_FORMAT)?,
                b'M' if text.len() != 1 => return Err("CLIENT_ERROR incorrect length for M token"),
                _ => {}
            }
        }
        Ok(())
    }
}
