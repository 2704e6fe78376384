//! Two requests add to one basket, and nothing is lost.

use beaker::{Backend, Result, Session, Sessions, Value};

/// Adds an item to the list under the key `basket`.
fn add(session: &mut Session, thing: Value) {
    session.update("basket", |basket| {
        let things = basket.and_then(Value::as_list).unwrap_or_default();
        [things, &[thing.clone()]].concat()
    });
}

fn main() -> Result<()> {
    let sessions = Sessions::new(Backend::memory());
    let mut session = sessions.create();
    session.save()?;

    let id = session.id();
    let (mut one, mut two) = (sessions.open(id)?, sessions.open(id)?);
    add(&mut one, "tea".into());
    one.save()?;
    add(&mut two, "cake".into());
    two.save()?;
    add(&mut two, "jam".into());
    two.save()?;
    println!("In the basket: {:?}", sessions.open(id)?.get("basket"));
    Ok(())
}
