//! Logging in: who a session is, and what they may do.

use std::time::Duration;

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use axum::Form;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use beaker::middleware::RequestSession;
use minijinja::context;
use serde::Deserialize;
use tokio::task::spawn_blocking;

use crate::Shop;
use crate::basket::Basket;
use crate::database::{Database, Field};
use crate::failure::{Failure, Result};

/// How long a browser that is to remember a customer does so without a visit.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Deserialize)]
pub struct Credentials {
    name: String,
    password: String,
    #[serde(default)]
    remember: Option<String>,
}

// ANCHOR: password
/// Makes what is stored of a password: argon2, with a salt of its own.
pub fn hash(password: &str) -> Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(|error| error.to_string())?.to_string())
}

async fn is_right(database: &Database, given: &Credentials) -> Result<bool> {
    let find = "SELECT password FROM accounts WHERE name = $1";
    let places = vec![Field::Text(given.name.clone())];
    let rows = database.query(find, places).await?;
    let stored = rows.first().map(|row| row[0].text().to_owned());
    let password = given.password.clone();
    let checked = spawn_blocking(move || {
        // (1)
        let is_known = stored.is_some();
        let stored = stored.map_or_else(|| hash("nobody's"), Ok)?; // (2)
        let stored =
            PasswordHash::new(&stored).map_err(|error| error.to_string())?;
        let is_right =
            Argon2::default().verify_password(password.as_bytes(), &stored);
        Ok::<_, Failure>(is_known && is_right.is_ok())
    });
    checked.await?
}
// ANCHOR_END: password

// ANCHOR: log_in
pub async fn log_in(
    State(shop): State<Shop>,
    mut session: RequestSession,
    Form(given): Form<Credentials>,
) -> Result<Response> {
    let tries = shop.log_ins.check(&given.name).await?; // (1)
    if !tries.allowed {
        let why = "Too many tries. Please wait a minute.";
        return Err(Failure::Refused(StatusCode::TOO_MANY_REQUESTS, why));
    }
    let database = &shop.catalogue.database;
    if !is_right(database, &given).await? {
        session.flash("failed", "The name or the password is wrong."); // (2)
        session.save()?;
        return Ok(Redirect::to("/login").into_response());
    }
    session.regenerate_id()?; // (3)
    session.set_user(&given.name); // (4)
    if given.remember.is_some() {
        session.set_life(REMEMBERED)?; // (5)
    }
    Basket::hand_over(database, &mut session, &given.name).await?;
    session.save()?;
    Ok(Redirect::to("/basket").into_response())
}
// ANCHOR_END: log_in

pub async fn page(
    State(shop): State<Shop>,
    mut session: RequestSession,
) -> Result<Html<String>> {
    shop.pages.render(&mut session, "login", context! {})
}

// ANCHOR: user
/// A customer who is logged in. A page that has this argument is for them alone.
pub struct User(pub String);

impl FromRequestParts<Shop> for User {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        shop: &Shop,
    ) -> Result<User, Response> {
        let session = RequestSession::from_request_parts(parts, shop).await; // (1)
        let session = session.map_err(IntoResponse::into_response)?;
        let user = session.user().map(|name| User(name.to_owned()));
        user.ok_or_else(|| Redirect::to("/login").into_response()) // (2)
    }
}

/// A customer who may change prices.
pub struct Admin;

impl FromRequestParts<Shop> for Admin {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        shop: &Shop,
    ) -> Result<Admin, Response> {
        let User(name) = User::from_request_parts(parts, shop).await?;
        let role = "SELECT role FROM accounts WHERE name = $1"; // (3)
        let places = vec![Field::Text(name)];
        let rows = shop.catalogue.database.query(role, places).await;
        let rows = rows.map_err(IntoResponse::into_response)?;
        match rows.first().map(|row| row[0].text()) {
            Some("admin") => Ok(Admin),
            _ => Err(Failure::Refused(
                StatusCode::FORBIDDEN,
                "This page is not for you.",
            )
            .into_response()),
        }
    }
}
// ANCHOR_END: user
