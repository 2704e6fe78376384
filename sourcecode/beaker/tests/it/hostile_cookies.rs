//! Whatever a visitor sends instead of our cookie opens a fresh session, and stores nothing.

use std::path::Path;

use beaker::{Backend, Origin, Rejection, SessionId, Sessions, Signer};
use proptest::prelude::*;

const KEY: [u8; 32] = [7; 32];
const NAME: &str = "beaker.session.id";

fn sessions(folder: &Path) -> Sessions {
    let backend = Backend::open("file", &[("data_dir", folder.to_str().unwrap())]).unwrap();
    Sessions::new(backend).signed_by(Signer::new([KEY]).unwrap())
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

/// Loads by this header, and wants a fresh session and not one file. What was refused is taken away.
#[track_caller]
fn check(header: &str, origin: Origin) {
    let parent = tempfile::tempdir().unwrap();
    let sessions = sessions(&parent.path().join("data"));
    let session = sessions.load(Some(header)).unwrap();
    assert_eq!(session.origin(), origin, "{header:.200}");
    assert!(session.is_new() && session.values().is_empty());
    assert!(!header.contains(session.id().as_str()), "an id was adopted");
    let sent = session.set_cookie().unwrap();
    match origin {
        Origin::Rejected(_) => {
            let start = format!("{NAME}=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0; ");
            assert!(sent.is_some_and(|header| header.starts_with(&start)), "it is removed");
        }
        _ => assert_eq!(sent, None),
    }
    assert_eq!(files(parent.path()), 0);
}

fn signed(text: &str) -> String {
    format!("{NAME}={}", Signer::new([KEY]).unwrap().sign(NAME, text))
}

#[test]
fn forged_and_foreign() {
    let id = SessionId::random();
    let unsigned = Origin::Rejected(Rejection::Signature);
    check("", Origin::New);
    check("other=1; beaker.session.idx=2; =; ;;", Origin::New);
    check(&format!("{NAME}="), unsigned);
    check(&format!("{NAME}={id}"), unsigned);
    check(&format!("{NAME}={id}."), unsigned);
    check(&format!("{NAME}={}", "a".repeat(1_000_000)), unsigned);
    check(&format!("{NAME}=\u{fffd}\u{0}é"), unsigned);
    let foreign = Signer::new([[8; 32]]).unwrap().sign(NAME, id.as_str());
    check(&format!("{NAME}={foreign}"), unsigned);
    let other_label = Signer::new([KEY]).unwrap().sign("other", id.as_str());
    check(&format!("{NAME}={other_label}"), unsigned);
    let beakers = Signer::beaker([KEY]).unwrap().sign(NAME, id.as_str());
    check(&format!("{NAME}={beakers}"), unsigned);
}

#[test]
fn cut_anywhere() {
    let whole = signed(SessionId::random().as_str());
    for length in NAME.len() + 1..whole.len() {
        check(&whole[..length], Origin::Rejected(Rejection::Signature));
    }
}

/// Even with a good signature, as if the key had leaked, no text but an id reaches the store.
#[test]
fn ids_that_are_none() {
    let no_id = Origin::Rejected(Rejection::Id);
    let long = "a".repeat(10_000);
    for text in ["", ".", "..", "../../../../etc/passwd", "a/b", "a\0b", "..%2f", "ABC", &long] {
        check(&signed(text), no_id);
    }
    check(&signed(SessionId::random().as_str()), Origin::Rejected(Rejection::Unknown));
}

#[test]
fn ours_is_found_among_others() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = sessions(folder.path());
    let mut session = sessions.create();
    session.set("a", 1);
    session.save().unwrap();
    let ours = signed(session.id().as_str());
    let many = "x=1; ".repeat(1000);
    let huge = format!("big={}", "y".repeat(64 * 1024));
    for header in [
        ours.clone(),
        format!("null; {ours}"),
        format!("{NAME}=forged; {ours}"),
        format!("{ours}; {NAME}=forged"),
        format!("{many}{ours}; y"),
        format!("{huge}; {ours}"),
        format!("{ours}; {huge}"),
        format!("{};{ours}", ";".repeat(64 * 1024)),
        format!("a b[]={{}};{ours}"),
        format!("\u{1F36A}=\"; {ours}"),
        format!("{ours}; {ours}"),
        ours.replace('=', "=\"") + "\"",
    ] {
        assert_eq!(sessions.load(Some(&header)).unwrap().id(), session.id(), "{header:.200}");
    }
}

proptest! {
    /// What is sent is what is found, whatever comes with it.
    #[test]
    fn what_is_sent_comes_back(
        before in prop::collection::vec("[!-:<-~ ]{0,20}", 0..20),
        after in prop::collection::vec("[!-:<-~ ]{0,20}", 0..20),
    ) {
        let sessions = Sessions::new(Backend::memory()).signed_by(Signer::new([KEY]).unwrap());
        let mut session = sessions.create();
        session.save().unwrap();
        let header = session.set_cookie().unwrap().unwrap();
        let ours = header.split(';').next().unwrap().to_owned();
        let all = [before, vec![ours], after].concat();
        let loaded = sessions.load(Some(&all.join(";"))).unwrap();
        prop_assert_eq!(loaded.id(), session.id());
    }

    #[test]
    fn anything_at_all(header in "\\PC{0,200}") {
        let sessions = Sessions::new(Backend::memory()).signed_by(Signer::new([KEY]).unwrap());
        prop_assert!(sessions.load(Some(&header)).unwrap().is_new());
    }

    #[test]
    fn one_character_changed(at in 0..76usize, to in "[!-~&&[^;\"]]") {
        let sessions = Sessions::new(Backend::memory()).signed_by(Signer::new([KEY]).unwrap());
        let mut session = sessions.create();
        session.save().unwrap();
        let whole = signed(session.id().as_str());
        let mut header = whole.clone();
        let at = NAME.len() + 1 + at;
        header.replace_range(at..at + 1, &to);
        let loaded = sessions.load(Some(&header)).unwrap();
        prop_assert_eq!(loaded.id() == session.id(), header == whole);
    }
}
