//! What is different from one installation to the next: a file, and the environment over it.

use std::{env, fs};

use beaker::cache::Regions;
use beaker::config::Settings;
use beaker::{AsyncBackend, AsyncSessions, Backend};

use crate::failure::Result;

/// As a laptop wants it.
const DEFAULTS: &str = include_str!("shop.toml");

pub struct Opened {
    pub address: String,
    pub database: String,
    pub sessions: AsyncSessions,
    pub caches: Regions,
    pub limits: AsyncBackend,
    pub accounts: Vec<Account>,
}

/// Whom the shop knows when it starts: `name:password:role`.
pub struct Account {
    pub name: String,
    pub password: String,
    pub role: String,
}

/// On a laptop, with a database that is empty each time.
const VISITORS: &str = "anna:tea for two:customer,boris:price of tea:admin";

// ANCHOR: open
/// `SHOP_SETTINGS` names a file of settings; `BEAKER_SESSION__…` and
/// `BEAKER_CACHE__…` in the environment win over it.
pub fn open() -> Result<Opened> {
    let file = match env::var("SHOP_SETTINGS") {
        Ok(path) => fs::read_to_string(path)?,
        Err(_) => DEFAULTS.to_owned(),
    };
    let settings = Settings::from_toml(&file)?; // (1)
    let settings = settings.merged_with(Settings::from_process_env()?); // (2)
    let config = settings.read()?; // (3)
    let database = env::var("SHOP_DATABASE").ok();
    let port = env::var("PORT").unwrap_or("8000".into());
    let host = env::var("SHOP_HOST").unwrap_or("127.0.0.1".into());
    Ok(Opened {
        address: format!("{host}:{port}"),
        accounts: accounts()?,
        database: database.unwrap_or("sqlite::memory:".into()),
        sessions: config.session.async_sessions()?, // (4)
        caches: config.cache.open_async()?,
        limits: limits()?,
    })
}
// ANCHOR_END: open

/// `SHOP_ACCOUNTS` names accounts that are made, or get this password, at the start.
fn accounts() -> Result<Vec<Account>> {
    let named = env::var("SHOP_ACCOUNTS").ok();
    let none = env::var("SHOP_DATABASE").is_ok().then(String::new);
    let named = named.or(none).unwrap_or(VISITORS.into());
    let read = |account: &str| {
        let parts: Vec<&str> = account.split(':').collect();
        let [name, password, role @ ("customer" | "admin")] = parts[..] else {
            let what = "SHOP_ACCOUNTS: write `name:password:customer` or \
                        `name:password:admin`, with `,` between two";
            return Err(what.into());
        };
        Ok(Account {
            name: name.into(),
            password: password.into(),
            role: role.into(),
        })
    };
    named.split(',').filter(|account| !account.is_empty()).map(read).collect()
}

/// Log-ins are counted where all processes see it.
fn limits() -> Result<AsyncBackend> {
    Ok(match env::var("SHOP_REDIS") {
        Ok(url) => AsyncBackend::open("ext:redis", &[("url", &url)])?,
        Err(_) => Backend::memory().into(),
    })
}
