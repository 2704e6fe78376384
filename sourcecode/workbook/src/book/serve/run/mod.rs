//! Programs that run in the page, what the reader edits there, and what the reader has done.
//!
//! In reading order: [`guard`] lets nobody in but our own pages, [`request`] is what they may ask for,
//! [`what`] finds it, [`job`] does it on a thread of its own, [`follow`] hands on what is printed,
//! [`verdict`] compares, and the page is told of each [`event`]. An edited program has a [`slot`] to be
//! compiled in, [`ready`] knows which programs are compiled, and [`done`] keeps the reader's progress.

mod done;
mod event;
mod follow;
mod guard;
mod job;
mod ready;
mod request;
mod slot;
#[cfg(test)]
mod tests;
mod text;
mod verdict;
mod what;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use beaker::SessionId;
use programs::Workspace;
use tokio::sync::Semaphore;

use ready::Ready;

/// So much a page may send: a program.
const LARGEST_BODY: usize = 256 * 1024;

/// So many programs run for pages at once; who comes then is told so.
const MOST_JOBS: usize = 4;

/// What all requests share.
#[derive(Debug)]
struct Shared {
    workspace: Workspace,
    /// What a page has to show that it came from here: another site's page cannot read it.
    token: String,
    ready: Ready,
    jobs: Arc<Semaphore>,
}

/// The routes below `/run/`.
pub fn router(root: &Path) -> Router {
    let workspace = Workspace::at(root);
    let shared = Arc::new(Shared {
        workspace,
        token: SessionId::random().to_string(),
        ready: Ready::default(),
        jobs: Arc::new(Semaphore::new(MOST_JOBS)),
    });
    let guarded = Router::new()
        .route("/run/start", post(request::start))
        .route("/run/read", post(done::read))
        .layer(from_fn_with_state(Arc::clone(&shared), guard::only_our_pages));
    Router::new()
        .route("/run/token", get(guard::token))
        .route("/run/done", get(done::done))
        .route("/run/source/{what}", get(request::source))
        .merge(guarded)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared)
}
