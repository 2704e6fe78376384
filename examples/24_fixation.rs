//! A fixation attack that works, and the line that ends it.

use beaker::{Backend, Result, Session, Sessions, Signer};

/// What a browser keeps for the shop: one cookie, as `name=value`.
#[derive(Clone, Default)]
struct Browser {
    cookie: Option<String>,
}

type Handler = fn(&mut Session) -> Result<()>;

fn main() -> Result<()> {
    println!("Log-in keeps the id:");
    attack(log_in_naively)?;
    println!("Log-in changes the id:");
    attack(log_in)?;
    println!("The attacker makes an id up:");
    attack_with_made_up_id()
}

fn log_in_naively(session: &mut Session) -> Result<()> {
    session.set_user("kimi");
    session.save() // (1)
}

fn log_in(session: &mut Session) -> Result<()> {
    session.set_user("kimi");
    session.regenerate_id() // (2)
}

fn add_to_basket(session: &mut Session) -> Result<()> {
    session.set("basket", "a book");
    session.save()
}

fn look(_: &mut Session) -> Result<()> {
    Ok(())
}

fn attack(log_in: Handler) -> Result<()> {
    let shop = shop()?;
    let mut attacker = Browser::default();
    visit(&shop, "attacker, first visit", &mut attacker, add_to_basket)?; // (3)
    let mut victim = attacker.clone(); // (4)
    visit(&shop, "victim, logging in", &mut victim, log_in)?;
    visit(&shop, "attacker, reloading", &mut attacker, look)?; // (5)
    visit(&shop, "victim, reloading", &mut victim, look)
}

fn attack_with_made_up_id() -> Result<()> {
    let cookie = format!("beaker.session.id={:032}", 1);
    let mut victim = Browser { cookie: Some(cookie) };
    visit(&shop()?, "victim, logging in", &mut victim, log_in_naively)
}

fn shop() -> Result<Sessions> {
    Ok(Sessions::new(Backend::memory()).signed_by(Signer::random()?))
}

/// One request: its cookie leads to a session, and the answer may set another.
fn visit(
    shop: &Sessions,
    visitor: &str,
    browser: &mut Browser,
    handler: Handler,
) -> Result<()> {
    let mut session = shop.load(browser.cookie.as_deref())?; // (6)
    let origin = session.origin();
    handler(&mut session)?;
    if let Some(header) = session.set_cookie()? {
        browser.cookie = header.split(';').next().map(str::to_owned);
    }
    let user = session.user().unwrap_or("a guest");
    println!("  {visitor}: {origin:?}; {}, {user}", session.id());
    Ok(())
}
