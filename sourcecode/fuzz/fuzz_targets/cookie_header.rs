//! A `Cookie` header of a visitor who has none of our keys: it opens a new session, and no id in it is
//! used. Neither is a signed text that is the id of no session.

#![no_main]

use std::sync::LazyLock;

use beaker::{Backend, Sealer, Sessions, Signer};
use libfuzzer_sys::fuzz_target;

const KEY: [u8; 32] = [7; 32];
const NAME: &str = "beaker.session.id";

static SIGNERS: LazyLock<[Signer; 2]> =
    LazyLock::new(|| [Signer::new([KEY]).unwrap(), Signer::beaker([KEY]).unwrap()]);

static SESSIONS: LazyLock<Vec<Sessions>> = LazyLock::new(|| {
    let sealers = [Sealer::new([KEY]).unwrap(), Sealer::beaker([(KEY, KEY)]).unwrap()];
    let stored = |signer| Sessions::new(Backend::memory()).signed_by(signer);
    let mut all: Vec<Sessions> = SIGNERS.iter().cloned().map(stored).collect();
    all.extend(SIGNERS.iter().cloned().map(Sessions::in_signed_cookies));
    all.extend(sealers.map(Sessions::in_sealed_cookies));
    all
});

fuzz_target!(|header: &str| {
    let signed = SIGNERS.iter().map(|signer| format!("{NAME}={}", signer.sign(NAME, header)));
    for header in signed.chain([header.to_owned(), format!("{NAME}={header}")]) {
        for sessions in &*SESSIONS {
            let session = sessions.load(Some(&header)).unwrap();
            assert!(session.is_new() && session.values().is_empty());
            assert!(!header.contains(session.id().as_str()), "an id was adopted");
            let _ = session.set_cookie();
        }
    }
});
