//! A list of devices, each with a button that logs it out.

use beaker::session::DeviceHandle;
use beaker::{Backend, Result, Session, Sessions};

/// One line a device, oldest first: its label, and `(this one)` for this one.
fn list(sessions: &Sessions, session: &Session) -> Result<String> {
    todo!("the devices of {:?} in {sessions:?}", session.user())
}

/// What the button of a device sends is a text, and so may be anything. Only
/// another device of this user is logged out: `Logged out.`, `That is this
/// device.`, or `No such device.`
fn log_out(
    sessions: &Sessions,
    session: &Session,
    sent: &str,
) -> Result<&'static str> {
    todo!("the device {sent} in {sessions:?}, beside {session:?}")
}

fn log_in(sessions: &Sessions, user: &str, label: &str) -> Result<Session> {
    let mut session = sessions.create();
    session.set_user(user);
    session.set_label(label);
    session.save()?;
    Ok(session)
}

fn main() -> Result<()> {
    let sessions = Sessions::new(Backend::memory());
    let laptop = log_in(&sessions, "kimi", "Firefox on Linux")?;
    let phone = log_in(&sessions, "kimi", "Safari on a phone")?;
    let felipe = log_in(&sessions, "felipe", "Chrome")?;
    print!("{}", list(&sessions, &laptop)?);

    let handles = [&phone, &phone, &laptop, &felipe].map(|it| it.device());
    let mut sent = handles.map(|handle| handle.to_string()).to_vec();
    sent.push("../../etc/passwd".to_owned());
    for sent in sent {
        println!("{}", log_out(&sessions, &laptop, &sent)?);
    }
    print!("{}", list(&sessions, &laptop)?);
    println!("Felipe is logged in: {}", sessions.open(felipe.id()).is_ok());
    Ok(())
}
