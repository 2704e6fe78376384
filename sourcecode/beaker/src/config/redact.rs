//! Hiding what must not be read in a log: secrets, and the passwords in addresses.

use super::name::{cache, session};
use crate::nearest::nearest;

/// Stands where a secret would: what is printed says how long it is, and no more.
pub(super) fn redact(secret: &str) -> String {
    format!("{OPENS}{}{CLOSES}", secret.chars().count())
}

const OPENS: &str = "(hidden, ";
const CLOSES: &str = " characters)";

/// Whether a text holds what is printed in place of a secret.
pub(super) fn holds_redacted(text: &str) -> bool {
    text.match_indices(OPENS).any(|(at, _)| {
        let rest = text[at + OPENS.len()..].trim_start_matches(|c: char| c.is_ascii_digit());
        rest.starts_with(CLOSES)
    })
}

/// Whether values of this name are not for everybody's eyes. A name that is no option's is judged
/// by its looks, since `secert` holds a secret too.
fn is_secret(name: &str) -> bool {
    let option = name.rsplit('.').next().unwrap_or(name).to_lowercase();
    let secrets = ["secret", "validate_key", "encrypt_key"];
    if session().contains(&option.as_str()) || cache().contains(&option.as_str()) {
        return secrets.contains(&option.as_str());
    }
    let suspicious = ["secr", "key", "pass", "pwd", "token", "credential"];
    nearest(&option, secrets).is_some() || suspicious.iter().any(|part| option.contains(part))
}

/// A value as it may be printed.
pub(super) fn redacted(name: &str, value: &str) -> String {
    let is_to_hide = is_secret(name) && !holds_redacted(value);
    let is_address = ["url", "urls"].iter().any(|option| name.rsplit('.').next() == Some(option));
    if is_to_hide { redact(value) } else { without_passwords(value, is_address) }
}

/// `redis://user:(hidden, 8 characters)@host`. Rather too much is hidden than too little: a
/// password may hold any of the marks that end other parts of an address.
fn without_passwords(value: &str, is_address: bool) -> String {
    let mut chunks = value.split("://");
    let first = chunks.next().unwrap_or_default();
    // In an address, the scheme may be left out.
    let first = if is_address { without_password(first) } else { without_parameter(first) };
    chunks.map(without_password).fold(first, |text, chunk| text + "://" + &chunk)
}

fn without_password(chunk: &str) -> String {
    let secret = chunk.rfind('@').and_then(|end| {
        let start = chunk[..end].find(':')? + 1;
        Some((start, end))
    });
    match secret {
        Some((start, end)) if start < end => {
            let (before, after) = (&chunk[..start], without_parameter(&chunk[end..]));
            format!("{before}{}{after}", redact(&chunk[start..end]))
        }
        _ => without_parameter(chunk),
    }
}

/// `?password=…`, as databases take it.
fn without_parameter(text: &str) -> String {
    let Some(at) = text.to_ascii_lowercase().find("password=") else { return text.into() };
    let (before, rest) = text.split_at(at + "password=".len());
    let end = rest.find(['&', ' ']).unwrap_or(rest.len());
    let (secret, after) = rest.split_at(end);
    format!("{before}{}{}", redact(secret), without_parameter(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, value: &str, text: &str) {
        assert_eq!(redacted(name, value), text);
        assert_eq!(holds_redacted(text), value != text, "{text}");
    }

    #[test]
    fn secrets_are_hidden_and_the_rest_is_not() {
        check("session.secret", "abc", "(hidden, 3 characters)");
        check("session.secert", "äöü", "(hidden, 3 characters)");
        check("sesion.valdate_key", "abc", "(hidden, 3 characters)");
        check("password", "abc", "(hidden, 3 characters)");
        check("session.key", "sid", "sid");
        check("session.secure", "true", "true");
        check("cache.key_length", "250", "250");
        check("session.url", "redis://host:6379/0", "redis://host:6379/0");
        check("session.url", "127.0.0.1:11211;b:1", "127.0.0.1:11211;b:1");
    }

    #[test]
    fn passwords_in_addresses_are_hidden() {
        check("url", "redis://u:p@h:1/0", "redis://u:(hidden, 1 characters)@h:1/0");
        check("url", "redis://:p/w@h", "redis://:(hidden, 3 characters)@h");
        check("url", "u:pw@h:1", "u:(hidden, 2 characters)@h:1");
        check("url", ":pw@h", ":(hidden, 2 characters)@h");
        check(
            "urls",
            "redis://:p@a,redis://:pp@b",
            "redis://:(hidden, 1 characters)@a,redis://:(hidden, 2 characters)@b",
        );
        check(
            "url",
            "postgres://h/d?user=u&password=pw&x=1",
            "postgres://h/d?user=u&password=(hidden, 2 characters)&x=1",
        );
        check("url", "host=h password=pw", "host=h password=(hidden, 2 characters)");
    }
}
