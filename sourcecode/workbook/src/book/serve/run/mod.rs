//! Programs that run in the page, what the reader edits there, and what the reader has done.
//!
//! In reading order: [`guard`] lets nobody in but our own pages, [`request`] is what they may ask for,
//! [`what`] finds it, [`job`] does it on a thread of its own, [`follow`] hands on what is printed,
//! [`verdict`] compares, and the page is told of each [`event`]. An edited program has a [`slot`] to be
//! compiled in, [`ready`] knows which programs are compiled, and [`done`] keeps the reader's progress.

mod done;
mod event;
mod follow;
pub mod guard;
mod job;
mod jobs;
mod ready;
mod request;
mod slot;
#[cfg(test)]
mod tests;
mod text;
mod verdict;
mod what;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use programs::Workspace;
use tokio::sync::watch::Receiver;

use super::keys::Keys;
use jobs::Jobs;
use ready::Ready;
pub use slot::clear_left_drafts;

/// So much a page may send: a program.
const LARGEST_BODY: usize = 256 * 1024;

/// What all requests share.
#[derive(Debug)]
pub struct Shared {
    /// The workbook.
    pub workspace: Workspace,
    /// The programs that run for pages.
    pub jobs: Jobs,
    ready: Ready,
    /// How long a program may take.
    limit: Duration,
    /// True when the server stops.
    stopped: Option<Receiver<bool>>,
}

impl Shared {
    /// For the programs of this workspace, each of which may take as long as `limit`.
    pub fn new(workspace: Workspace, limit: Duration) -> Shared {
        Shared { workspace, limit, jobs: Jobs::default(), ready: Ready::default(), stopped: None }
    }

    /// Ends what runs when this says so.
    pub fn until(self, stopped: Receiver<bool>) -> Shared {
        Shared { stopped: Some(stopped), ..self }
    }

    fn is_stopped(&self) -> bool {
        self.stopped.as_ref().is_some_and(|stopped| *stopped.borrow())
    }
}

/// The routes below `/run/`.
pub fn router(shared: Shared, keys: &Arc<Keys>) -> Router {
    Router::new()
        .route("/run/hello", get(|| async { StatusCode::NO_CONTENT }))
        .route("/run/start", post(request::start))
        .route("/run/read", post(done::read))
        .route("/run/done", get(done::done))
        .route("/run/source/{what}", get(request::source))
        .route_layer(from_fn_with_state(Arc::clone(keys), guard::only_our_pages))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(Arc::new(shared))
}
