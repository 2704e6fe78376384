//! A visitor clicks "buy" twice, and has bought once.

use beaker::{Backend, Result, Session, Sessions, Value};

/// Buys under this number, unless another request has bought: the number that
/// counts.
fn buy(session: &mut Session, number: i64) -> Result<i64> {
    if !session.contains("order") {
        session.set("order", number);
    }
    session.save()?;
    Ok(session.require("order")?.as_int().unwrap_or(number))
}

fn main() -> Result<()> {
    let sessions = Sessions::new(Backend::memory());
    let mut session = sessions.create();
    session.save()?;

    let id = session.id();
    let mut clicks = [sessions.open(id)?, sessions.open(id)?];
    for (click, number) in clicks.iter_mut().zip([1001, 1002]) {
        println!("Bought: order {}", buy(click, number)?);
    }
    println!("Bought once more: order {}", buy(&mut sessions.open(id)?, 1003)?);
    println!("The order: {:?}", sessions.open(id)?.get("order"));
    Ok(())
}
