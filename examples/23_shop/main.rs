//! A shop for tea that somebody could deploy: pages, a basket, customers, prices.

mod account;
mod basket;
mod catalogue;
mod database;
mod failure;
mod login;
mod pages;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use beaker::limit::{AsyncRateLimiter, RateLimit};
use beaker::middleware::{CsrfLayer, SessionLayer};
use beaker::{AsyncBackend, AsyncCache, AsyncSessions};
use tokio::net::TcpListener;

use crate::catalogue::{Article, Catalogue};
use crate::database::{Database, Field};
use crate::failure::Result;
use crate::pages::Pages;

/// No form of the shop is larger: 16 KiB.
const LARGEST: usize = 16 * 1024;

/// Everything that the pages share. A clone is the same.
#[derive(Clone)]
pub struct Shop {
    pub pages: Pages,
    pub catalogue: Catalogue,
    pub sessions: AsyncSessions,
    pub log_ins: AsyncRateLimiter,
}

impl Shop {
    pub fn new(
        database: Database,
        sessions: AsyncSessions,
        cache: AsyncCache<Vec<Article>>,
        limits: AsyncBackend,
    ) -> Result<Shop> {
        let five_a_minute = RateLimit::fixed_window(5, Duration::from_secs(60));
        Ok(Shop {
            pages: Pages::new()?,
            catalogue: Catalogue { database, cache },
            sessions,
            log_ins: AsyncRateLimiter::new(limits, "log-ins", five_a_minute)?,
        })
    }

    // ANCHOR: router
    pub fn router(self) -> Result<Router> {
        let sessions = SessionLayer::new(self.sessions.clone())?;
        Ok(Router::new()
            .route("/", get(catalogue::page))
            .route("/basket", get(basket::page).post(basket::choose))
            .route("/login", get(login::page).post(login::log_in))
            .route("/logout", post(account::log_out))
            .route("/logout-everywhere", post(account::log_out_everywhere))
            .route("/account", get(account::page))
            .route("/prices", get(catalogue::prices).post(catalogue::set_price))
            .layer(CsrfLayer::new().body_limit(LARGEST)) // (1)
            .layer(sessions) // (2)
            .route("/health", get(health)) // (3)
            .fallback(failure::no_page)
            .layer(DefaultBodyLimit::max(LARGEST))
            .with_state(self))
    }
    // ANCHOR_END: router

    /// Adds an account, or gives it another password.
    pub async fn add_account(
        &self,
        name: &str,
        password: &str,
        role: &str,
    ) -> Result<()> {
        let add = "INSERT INTO accounts (name, password, role) VALUES ($1, $2, $3) \
                   ON CONFLICT (name) DO UPDATE SET password = EXCLUDED.password, role = EXCLUDED.role";
        let places = [name.to_owned(), login::hash(password)?, role.to_owned()];
        self.catalogue
            .database
            .query(add, places.map(Field::Text).to_vec())
            .await?;
        Ok(())
    }
}

/// Whether this process can do its work, for whoever sends it visitors.
async fn health(State(shop): State<Shop>) -> Result<&'static str, StatusCode> {
    let sessions = shop.sessions.ping().await;
    let database =
        shop.catalogue.database.query("SELECT CAST(1 AS BIGINT)", vec![]).await;
    match sessions.is_ok() && database.is_ok() {
        true => Ok("well"),
        false => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

#[tokio::main]
async fn main()
-> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    serve().await.map_err(|failure| failure.to_string().into())
}

async fn serve() -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let opened = settings::open()?;
    let cache = opened.caches.get_async("catalogue")?.cache("articles")?;
    let database = Database::open(&opened.database).await?;
    let shop = Shop::new(database, opened.sessions, cache, opened.limits)?;
    for account in &opened.accounts {
        shop.add_account(&account.name, &account.password, &account.role)
            .await?;
    }
    let listener = TcpListener::bind(&opened.address).await?;
    println!("Serving at http://{}", listener.local_addr()?);
    let app = shop.router()?;
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
    Ok(())
}

/// Until somebody asks the process to end.
async fn stopped() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut asked) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = asked.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}
