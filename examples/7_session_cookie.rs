//! Keeps a session in the visitor's cookie alone: signed, then encrypted.

mod common;

use beaker::{Result, Sealer, Session, Sessions, Signer};
use common::{print_session, set_drivers};

/// For this program only: `openssl rand -hex 32` makes a better one.
const KEY: &str = "a key that is at least 32 bytes long";

fn main() -> Result<()> {
    let signed = Sessions::in_signed_cookies(Signer::new([KEY])?); // (1)
    let cookie = save("Signed", &signed)?;
    tamper(&signed, &cookie)?;

    let sealed = Sessions::in_sealed_cookies(Sealer::new([KEY])?); // (2)
    let cookie = save("\nEncrypted", &sealed)?;
    tamper(&sealed, &cookie)
}

/// Saves a session, and returns the cookie that a browser keeps.
fn save(how: &str, sessions: &Sessions) -> Result<String> {
    let mut session = sessions.create();
    set_drivers(&mut session);
    session.save()?;
    let header = session.set_cookie()?.unwrap_or_default(); // (3)
    println!("{how}: a header of {} bytes", header.len());

    let cookie = header.split(';').next().unwrap_or_default().to_owned();
    let opened = sessions.load(Some(&cookie))?; // (4)
    print_session(&opened);
    assert_eq!(opened.values(), session.values());
    Ok(cookie)
}

/// Changes the cookie, one character at a time.
fn tamper(sessions: &Sessions, cookie: &str) -> Result<()> {
    let tampered = (0..cookie.len()).map(|place| {
        let (before, rest) = cookie.split_at(place);
        let other = if rest.starts_with('A') { 'B' } else { 'A' };
        format!("{before}{other}{}", &rest[1..])
    });
    let loaded = tampered.map(|cookie| sessions.load(Some(&cookie)));
    let loaded = loaded.collect::<Result<Vec<Session>>>()?; // (5)
    let accepted = loaded.iter().filter(|session| !session.is_new()).count();
    println!("Tampered with {} times, {accepted} accepted", loaded.len());
    Ok(())
}
