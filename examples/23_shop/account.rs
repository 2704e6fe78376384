//! Logging out, here and everywhere.

use axum::extract::State;
use axum::response::{Html, Redirect};
use beaker::middleware::RequestSession;
use minijinja::context;

use crate::Shop;
use crate::failure::Result;
use crate::login::User;

// ANCHOR: log_out
pub async fn log_out(mut session: RequestSession) -> Result<Redirect> {
    session.invalidate()?; // (1)
    session.flash("done", "You are logged out.");
    session.save()?;
    Ok(Redirect::to("/"))
}

pub async fn log_out_everywhere(
    User(name): User, // (2)
    State(shop): State<Shop>,
    mut session: RequestSession,
) -> Result<Redirect> {
    shop.sessions.revoke_all(&name, None).await?; // (3)
    session.invalidate()?;
    session.flash("done", "You are logged out on all devices.");
    session.save()?;
    Ok(Redirect::to("/"))
}
// ANCHOR_END: log_out

pub async fn page(
    User(name): User,
    State(shop): State<Shop>,
    mut session: RequestSession,
) -> Result<Html<String>> {
    let devices = shop.sessions.devices_of(&name).await?.len();
    shop.pages.render(&mut session, "account", context! { devices })
}
