//! What the server answers to.

use std::path::Path;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::from_fn;
use axum::response::Redirect;
use axum::routing::get;
use tokio::sync::watch::Receiver;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

use super::super::edition::EDITIONS;
use super::host::only_loopback;
use super::live::{self, State};
use super::run;

/// The editions under `/en/` and `/ru/`, and the events under `/live`.
pub fn router(root: &Path, states: Receiver<State>, stopped: Receiver<bool>) -> Router {
    let home = Redirect::temporary(&format!("/{}/", EDITIONS[0].code));
    let mut router = Router::new()
        .route("/", get(|| async { home }))
        .route("/live", get(|| async { live::events(states, stopped) }))
        .merge(run::router(root));
    for edition in &EDITIONS {
        let (code, built) = (edition.code, edition.built(root));
        let missing = ServeFile::new(built.join("404.html"));
        router = router
            .route(&format!("/{code}/fonts/served.js"), get(live::script))
            .nest_service(&format!("/{code}"), ServeDir::new(built).not_found_service(missing));
    }
    // Pages change under the reader's hands; the browser asks each time, and gets 304 if not.
    let no_cache = HeaderValue::from_static("no-cache");
    router
        .layer(SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, no_cache))
        .layer(from_fn(only_loopback))
}
