//! What the session programs share.
#![allow(dead_code, reason = "no program uses all of it")]

pub mod children;
pub mod disk;
pub mod herd;
pub mod server;

use beaker::{Backend, Result, Session, SessionId, Sessions};

/// A new session, or the one that is saved under an id.
pub fn get_session(
    backend: &Backend,
    id: Option<&SessionId>,
) -> Result<Session> {
    let sessions = Sessions::new(backend.clone()); // (1)
    match id {
        None => Ok(sessions.create()), // (2)
        Some(id) => sessions.open(id), // (3)
    }
}

/// The three drivers, under their countries.
pub fn set_drivers(session: &mut Session) {
    session.set("Suomi", "Kimi Räikkönen");
    session.set("Great Britain", "Jenson Button");
    session.set("Deutschland", "Sebastian Vettel");
}

/// Prints the session's id, and the session as a map.
pub fn print_session(session: &Session) {
    println!("Session ID: {}", session.id());
    println!("{session:#?}");
}
