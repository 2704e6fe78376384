//! Tokens against cross-site request forgery: which are taken, and which are not, whatever is sent.

use std::collections::HashSet;

use beaker::session::OnStoreFailure;
use beaker::{Backend, SessionId, Signer};
use proptest::prelude::*;

use super::{Session, Sessions};

use crate::any_backend;

fn sessions() -> Sessions {
    Sessions::new(Backend::memory())
}

fn saved(sessions: &Sessions) -> Session {
    let mut session = sessions.create();
    session.save().unwrap();
    session
}

#[test]
fn a_token_holds_for_its_session_and_for_no_other() {
    any_backend::each(|backend| {
        let sessions = Sessions::new(backend);
        let mut session = saved(&sessions);
        let token = session.csrf_token();
        assert_eq!(token.len(), 64);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert!(!session.is_modified(), "nothing is stored for it");
        let mut opened = sessions.open(session.id()).unwrap();
        assert!(opened.check_csrf(&token) && session.check_csrf(&opened.csrf_token()));
        let mut other = saved(&sessions);
        assert!(!other.check_csrf(&token) && !session.check_csrf(&other.csrf_token()));
        assert!(!sessions.create().check_csrf(&token));
    });
}

#[test]
fn each_is_another_one() {
    let mut session = saved(&sessions());
    let tokens: Vec<String> = (0..1000).map(|_| session.csrf_token()).collect();
    assert!(tokens.iter().all(|token| session.check_csrf(token)));
    let ends: HashSet<&str> =
        tokens.iter().flat_map(|token| [&token[..8], &token[24..32], &token[56..]]).collect();
    assert_eq!(ends.len(), 3000, "nothing in them stays the same");
    let id = session.id().as_str();
    assert!(tokens.iter().all(|token| !token.contains(&id[..8])));
}

#[test]
fn a_new_id_makes_them_worthless() {
    let sessions = sessions();
    let mut session = saved(&sessions);
    let mut late = sessions.open(session.id()).unwrap();
    let before = session.csrf_token();
    session.regenerate_id().unwrap();
    assert!(!session.check_csrf(&before));
    let after = session.csrf_token();
    assert!(session.check_csrf(&after) && !late.check_csrf(&after));
    let of_the_old_id = late.csrf_token();
    assert!(late.check_csrf(&of_the_old_id) && !session.check_csrf(&of_the_old_id));
    session.invalidate().unwrap();
    assert!(!session.check_csrf(&after));
}

#[test]
fn a_new_session_is_to_be_saved_and_holds_no_more_than_before() {
    let sessions = sessions();
    let mut session = sessions.create();
    let token = session.csrf_token();
    assert!(session.is_modified() && session.values().is_empty());
    session.save().unwrap();
    assert!(!session.is_modified());
    let opened = sessions.open(session.id()).unwrap();
    assert!(opened.check_csrf(&token) && opened.values().is_empty());
    let mut reverted = sessions.create();
    reverted.csrf_token();
    reverted.revert();
    assert!(!reverted.is_modified());
}

/// A number that looks like none in particular (splitmix64): the same ones with each run.
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Changes a token in a way that a number picks, often by one character only.
fn mutated(token: &str, seed: u64, noise: &str) -> String {
    let at = usize::try_from(seed % 64).unwrap();
    let mut bytes = token.as_bytes().to_vec();
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = ALPHABET.iter().position(|byte| *byte == bytes[at]).unwrap();
    let step = 1 + usize::try_from(seed / 64 % 63).unwrap();
    match seed % 7 {
        // One bit of one character, any other character, two that are swapped.
        0 => bytes[at] = ALPHABET[place ^ (1 << (seed / 64 % 6))],
        1 | 2 => bytes[at] = ALPHABET[(place + step) % 64],
        3 => bytes.swap(at, (at + step) % 64),
        4 => bytes.truncate(at),
        5 => drop(bytes.splice(at..at, noise.bytes())),
        _ => drop(bytes.splice(at.., noise.bytes())),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_hundred_thousand_that_were_changed_are_refused() {
    let mut session = saved(&sessions());
    let token = session.csrf_token();
    let other_tokens: Vec<String> = (0..64).map(|_| session.csrf_token()).collect();
    let genuine = |text: &str| text == token || other_tokens.iter().any(|other| other == text);
    let mut refused = 0;
    for seed in (0..).map(scattered) {
        // Half of them begin with the nonce of one and end with the code of another.
        let other = &other_tokens[usize::try_from(seed % 64).unwrap()];
        let at = 1 + usize::try_from(seed / 64 % 63).unwrap();
        let forged = match seed >> 63 {
            0 => mutated(&token, seed / 64, &other[at..]),
            _ => format!("{}{}", &token[..at], &other[at..]),
        };
        if genuine(&forged) {
            continue;
        }
        assert!(!session.check_csrf(&forged), "{forged}");
        refused += 1;
        if refused == 100_000 {
            break;
        }
    }
    assert!(session.check_csrf(&token));
}

#[test]
fn whatever_is_sent_is_no_token_and_no_panic() {
    let session = saved(&sessions());
    let id = session.id().to_string();
    let long = "A".repeat(1 << 20);
    for sent in ["", " ", "\0", "🏁", &id, &long, &"A".repeat(64), &"=".repeat(64), &"é".repeat(32)]
    {
        assert!(!session.check_csrf(sent), "{}", sent.get(..8).unwrap_or(sent));
    }
    proptest!(|(sent in any::<String>())| prop_assert!(!session.check_csrf(&sent)));
}

#[test]
fn a_session_that_cannot_be_saved_gives_tokens_and_stays_unchanged() {
    let signer = Signer::new(["0123456789abcdef0123456789abcdef"]).unwrap();
    let sessions = beaker::Sessions::new(any_backend::down())
        .signed_by(signer.clone())
        .on_store_failure(OnStoreFailure::Empty);
    let cookie = signer.sign("beaker.session.id", SessionId::random().as_str());
    let mut session = sessions.load(Some(&format!("beaker.session.id={cookie}"))).unwrap();
    assert_eq!(session.origin(), beaker::Origin::Unavailable);
    assert_eq!(session.csrf_token().len(), 64);
    assert!(!session.is_modified(), "a page with a form is shown, although it cannot be sent");
}

#[cfg(feature = "cookies")]
#[test]
fn sessions_in_cookies_have_them_too() {
    let keys = [b"0123456789abcdef0123456789abcdef"];
    for signer in [Signer::new(keys).unwrap(), Signer::beaker(keys).unwrap()] {
        let sessions = beaker::Sessions::in_signed_cookies(signer);
        let mut session = sessions.create();
        let token = session.csrf_token();
        session.save().unwrap();
        let header = session.set_cookie().unwrap().unwrap();
        let mut next = sessions.load(header.split(';').next()).unwrap();
        assert!(next.check_csrf(&token));
        next.regenerate_id().unwrap();
        assert!(!next.check_csrf(&token));
        assert!(!sessions.load(None).unwrap().check_csrf(&token));
    }
}
