//! What the server answers to.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use axum::routing::get;
use tokio::sync::watch::Receiver;
use tower_http::services::{ServeDir, ServeFile};

use super::super::edition::EDITIONS;
use super::enter;
use super::host::only_loopback;
use super::keys::Keys;
use super::live::{self, State};
use super::policy;
use super::run::{self, Shared, guard};

/// The editions under `/en/` and `/ru/`, which everybody may read; the events under `/live`, and what runs
/// or tells of the reader, under `/run/`, for the reader's browser.
pub fn router(
    shared: Shared,
    keys: Arc<Keys>,
    states: Receiver<State>,
    stopped: Receiver<bool>,
) -> Router {
    let root = shared.workspace.root().to_owned();
    let home = Redirect::temporary(&format!("/{}/", EDITIONS[0].code));
    let seen = states.clone();
    let live = Router::new()
        .route("/live", get(|| async { live::events(states, stopped) }))
        .route_layer(from_fn_with_state(Arc::clone(&keys), guard::only_with_cookie));
    let mut router = Router::new()
        .route("/", get(|| async { home }))
        .merge(live)
        .merge(run::router(shared, &keys));
    for edition in &EDITIONS {
        let (code, built) = (edition.code, edition.built(&root));
        let missing = ServeFile::new(built.join("404.html"));
        router = router
            .route(&format!("/{code}/fonts/served.js"), get(live::script))
            .nest_service(&format!("/{code}"), ServeDir::new(built).not_found_service(missing));
    }
    router
        .layer(from_fn_with_state(keys, enter::by_key))
        .layer(from_fn(only_loopback))
        .layer(from_fn_with_state(seen, policy::headers))
}
