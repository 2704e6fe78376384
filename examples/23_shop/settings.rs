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
}

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
    let port = env::var("PORT").unwrap_or("8000".into());
    let host = env::var("SHOP_HOST").unwrap_or("127.0.0.1".into());
    Ok(Opened {
        address: format!("{host}:{port}"),
        database: env::var("SHOP_DATABASE").unwrap_or("sqlite::memory:".into()),
        sessions: config.session.async_sessions()?, // (4)
        caches: config.cache.open_async()?,
        limits: limits()?,
    })
}
// ANCHOR_END: open

/// Log-ins are counted where all processes see it.
fn limits() -> Result<AsyncBackend> {
    Ok(match env::var("SHOP_REDIS") {
        Ok(url) => AsyncBackend::open("ext:redis", &[("url", &url)])?,
        Err(_) => Backend::memory().into(),
    })
}
