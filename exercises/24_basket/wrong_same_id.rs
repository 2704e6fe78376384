//! A basket in files, which outlives a restart, two tabs and a log-in.

use std::collections::BTreeMap;

use beaker::{Backend, Result, Session, SessionId, Sessions};

type Basket = BTreeMap<String, u32>;

/// So many of one article fit into a basket.
const MOST: u32 = 5;

/// Sessions in the folder `./cache`, where another process finds them.
fn sessions() -> Result<Sessions> {
    let backend = Backend::open("file", &[("data_dir", "./cache")])?;
    Ok(Sessions::new(backend))
}

/// Adds to what the basket holds by the time of the save, and stops at `MOST`.
fn add(session: &mut Session, article: &str, count: u32) -> Result<()> {
    let article = article.to_owned();
    session.update_as("basket", move |basket: &mut Basket| {
        let held = basket.entry(article.clone()).or_default();
        *held = (*held + count).min(MOST);
    })?;
    Ok(())
}

/// Knows the user from now on. The basket stays, and the id does not.
fn log_in(session: &mut Session, user: &str) -> Result<()> {
    session.set_user(user);
    session.save()
}

/// Logs the user of this session out on all other devices.
fn log_out_others(sessions: &Sessions, session: &Session) -> Result<usize> {
    match session.user() {
        Some(user) => sessions.revoke_all(user, Some(session.id())),
        None => Ok(0),
    }
}

/// What another process finds under this id.
fn show(what: &str, id: &SessionId) -> Result<()> {
    match sessions()?.open(id) {
        Ok(it) => println!("{what}: {:?}", it.get_as::<Basket>("basket")?),
        Err(error) => println!("{what}: {:?}", error.kind()),
    }
    Ok(())
}

fn main() -> Result<()> {
    let mut guest = sessions()?.create();
    add(&mut guest, "tea", 1)?;
    guest.save()?;
    let id = *guest.id();
    show("After a restart", &id)?;

    let (mut one, mut two) = (sessions()?.open(&id)?, sessions()?.open(&id)?);
    add(&mut one, "tea", 2)?;
    add(&mut two, "tea", 1)?;
    add(&mut two, "cake", 9)?;
    one.save()?;
    two.save()?;
    show("After two tabs", &id)?;

    let mut anna = sessions()?.open(&id)?;
    log_in(&mut anna, "anna")?;
    show("The id before the log-in", &id)?;
    show("The id after it", anna.id())?;

    let mut devices = [(); 3].map(|()| sessions().map(|it| it.create()));
    for (device, user) in devices.iter_mut().zip(["anna", "anna", "ben"]) {
        log_in(device.as_mut().expect("it was made"), user)?;
    }
    let [phone, _, ben] = devices.map(|it| it.expect("it was made"));
    let mut late = sessions()?.open(phone.id())?;
    println!("Logged out: {}", log_out_others(&sessions()?, &anna)?);
    add(&mut late, "jam", 1)?;
    println!("A late save: {:?}", late.save().map_err(|error| error.kind()));
    show("The phone", phone.id())?;
    show("Ben", ben.id())?;
    show("This device", anna.id())
}
