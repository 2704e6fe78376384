//! The answer to a meta command.

use super::request::{BAD_FORMAT, Refusal, Request};

/// A return code, the flags that were asked for, and a value if one was.
#[derive(Debug)]
pub(super) struct Reply {
    /// `HD`, `EN`, ...; with a value it is always `VA`.
    pub(super) code: &'static str,
    pub(super) flags: Vec<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
}

impl Reply {
    pub(super) fn new(code: &'static str) -> Reply {
        Reply { code, flags: Vec::new(), value: None }
    }

    /// A reply with what every command sends back on request: the key, that it is in base64, and
    /// the opaque token. `own` says what the other flags get.
    pub(super) fn echoing(
        code: &'static str,
        request: &Request<'_>,
        mut own: impl FnMut(u8) -> Option<String>,
    ) -> Reply {
        let mut reply = Reply::new(code);
        for &(letter, text) in &request.flags {
            match letter {
                b'k' => {
                    reply.flag(b'k', request.sent_key);
                    if request.has(b'b') {
                        reply.flag(b'b', b"");
                    }
                }
                b'O' => reply.flag(b'O', text.as_bytes()),
                _ => {
                    if let Some(text) = own(letter) {
                        reply.flag(letter, text.as_bytes());
                    }
                }
            }
        }
        reply
    }

    pub(super) fn flag(&mut self, letter: u8, text: &[u8]) {
        self.flags.push([&[letter], text].concat());
    }

    pub(super) fn write(&self, answer: &mut Vec<u8>) {
        match &self.value {
            Some(value) => answer.extend_from_slice(format!("VA {}", value.len()).as_bytes()),
            None => answer.extend_from_slice(self.code.as_bytes()),
        }
        for flag in &self.flags {
            answer.push(b' ');
            answer.extend_from_slice(flag);
        }
        answer.extend_from_slice(b"\r\n");
        if let Some(value) = &self.value {
            answer.extend_from_slice(value);
            answer.extend_from_slice(b"\r\n");
        }
    }
}

/// What a command on items answers: a line that refuses it, a reply, or nothing if it was quiet.
pub(super) type Answer = Result<Option<Reply>, Refusal>;

/// For the commands whose errors memcached does not tell apart.
pub(super) fn without_details(refusal: Refusal) -> Refusal {
    if refusal == BAD_FORMAT { refusal } else { "CLIENT_ERROR invalid or duplicate flag" }
}
