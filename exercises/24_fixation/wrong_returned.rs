//! Kimi changes the password, since a laptop was left in a café.

use beaker::{Backend, Result, Session, SessionId, Sessions};

/// This device goes on under a new id, and all others are logged out.
fn change_password(sessions: &Sessions, session: &mut Session) -> Result<()> {
    session.regenerate_id()?;
    sessions.revoke_all("kimi", Some(session.id()))
}

fn log_in(sessions: &Sessions) -> Result<Session> {
    let mut session = sessions.create();
    session.set_user("kimi");
    session.save().map(|()| session)
}

fn main() -> Result<()> {
    let sessions = Sessions::new(Backend::memory());
    let mut session = log_in(&sessions)?;
    let (before, cafe) = (*session.id(), *log_in(&sessions)?.id());
    change_password(&sessions, &mut session)?;
    session.set("flash", "Your password is changed.");
    session.save()?;
    let show = |what: &str, id: &SessionId| {
        println!("{what}, still logged in: {}", sessions.open(id).is_ok());
    };
    show("This device", session.id());
    show("Its old id", &before);
    show("The café", &cafe);
    Ok(())
}
