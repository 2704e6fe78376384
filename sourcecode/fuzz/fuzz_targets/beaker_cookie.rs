//! What is inside a cookie that is signed or encrypted as Beaker does it, or as we do, with the right
//! key: Python made it, or an older version, or somebody who has got the key. It is read, and then
//! written back without a loss, or a new session begins.

#![no_main]

use std::sync::LazyLock;

use beaker::{Sealer, Sessions, Signer};
use data_encoding::BASE64;
use libfuzzer_sys::fuzz_target;
use miniz_oxide::deflate::compress_to_vec_zlib;

const KEY: [u8; 32] = [7; 32];
const NAME: &str = "beaker.session.id";
const LABEL: &str = "session in beaker.session.id";

struct Formats {
    signer: Signer,
    own: Sealer,
    beakers: Sealer,
}

static FORMATS: LazyLock<Formats> = LazyLock::new(|| Formats {
    signer: Signer::beaker([KEY]).unwrap(),
    own: Sealer::new([KEY]).unwrap(),
    beakers: Sealer::beaker([(KEY, KEY)]).unwrap(),
});

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, content)) = bytes.split_first() else { return };
    let formats = &*FORMATS;
    let (sessions, value) = match kind % 4 {
        0 => {
            // The JSON in Beaker's cookie, past what packs it.
            let packed = compress_to_vec_zlib(content, 1);
            let sessions = Sessions::in_signed_cookies(formats.signer.clone());
            (sessions, formats.signer.sign(LABEL, &BASE64.encode(&packed)))
        }
        1 => {
            let sessions = Sessions::in_signed_cookies(formats.signer.clone());
            (sessions, formats.signer.sign(LABEL, &BASE64.encode(content)))
        }
        2 => {
            let sessions = Sessions::in_sealed_cookies(formats.beakers.clone());
            (sessions, formats.beakers.seal(LABEL, content).unwrap())
        }
        _ => {
            let sessions = Sessions::in_sealed_cookies(formats.own.clone());
            (sessions, formats.own.seal(LABEL, content).unwrap())
        }
    };
    let mut session = sessions.load(Some(&format!("{NAME}={value}"))).unwrap();
    session.set("seen", 1);
    // It may not fit into a cookie any more.
    if session.save().is_err() {
        return;
    }
    let Ok(Some(cookie)) = session.set_cookie() else { return };
    let cookie = cookie.split(';').next().unwrap();
    let again = sessions.load(Some(cookie)).unwrap();
    assert_eq!(again.id(), session.id());
    assert_eq!(format!("{:?}", again.values()), format!("{:?}", session.values()));
    let unreadable =
        |session: &beaker::Session| format!("{:?}", session.unreadable().collect::<Vec<_>>());
    assert_eq!(unreadable(&again), unreadable(&session));
});
