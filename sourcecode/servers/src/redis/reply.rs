//! What is answered, in redis' protocol of version 2.

use std::borrow::Cow;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Simple(&'static str),
    Integer(i64),
    Nil,
    Bulk(Vec<u8>),
    Array(Vec<Reply>),
}

/// What is wrong with a command: the line to answer.
pub(super) type Refusal = Cow<'static, str>;

/// What a command answers.
pub(super) type Answer = Result<Reply, Refusal>;

pub(super) const OK: Reply = Reply::Simple("OK");
pub(super) const SYNTAX: Refusal = Cow::Borrowed("ERR syntax error");
pub(super) const NO_NUMBER: Refusal = Cow::Borrowed("ERR value is not an integer or out of range");

/// The refusal of a command that was given too many or too few words.
pub(super) fn wrong_number_of_arguments(command: &str) -> Refusal {
    format!("ERR wrong number of arguments for '{command}' command").into()
}

impl Reply {
    pub(super) fn write(&self, answer: &mut Vec<u8>) {
        match self {
            Reply::Simple(text) => answer.extend_from_slice(format!("+{text}\r\n").as_bytes()),
            Reply::Integer(number) => answer.extend_from_slice(format!(":{number}\r\n").as_bytes()),
            Reply::Nil => answer.extend_from_slice(b"$-1\r\n"),
            Reply::Bulk(bytes) => {
                answer.extend_from_slice(format!("${}\r\n", bytes.len()).as_bytes());
                answer.extend_from_slice(bytes);
                answer.extend_from_slice(b"\r\n");
            }
            Reply::Array(replies) => {
                answer.extend_from_slice(format!("*{}\r\n", replies.len()).as_bytes());
                replies.iter().for_each(|reply| reply.write(answer));
            }
        }
    }

    pub(super) fn bulk(bytes: impl AsRef<[u8]>) -> Reply {
        Reply::Bulk(bytes.as_ref().to_vec())
    }
}

/// Writes an answer, or the line that refuses the command.
pub(super) fn write(reply: &Answer, answer: &mut Vec<u8>) {
    match reply {
        Ok(reply) => reply.write(answer),
        Err(refusal) => answer.extend_from_slice(format!("-{refusal}\r\n").as_bytes()),
    }
}
