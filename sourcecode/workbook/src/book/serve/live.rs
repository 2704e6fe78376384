//! An open page loads itself again after the book was built again.

use std::convert::Infallible;

use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use tokio::sync::watch::Receiver;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};

/// What the last build brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Which build the pages are from: another name means other pages.
    pub build: String,
    /// The hashes of the scripts in its pages, for the policy.
    pub scripts: String,
    /// Why the newest state of the files could not be built.
    pub failure: Option<String>,
}

/// The script that a page gets in place of the theme's empty `served.js`.
pub const SCRIPT: &str = include_str!("served.js");

/// The states as server-sent events, the present one first, until the server stops.
pub fn events(
    states: Receiver<State>,
    stopped: Receiver<bool>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let states = WatchStream::new(states).map(Some);
    // An open stream would keep the server from stopping.
    let stopped = WatchStream::new(stopped).filter(|stopped| *stopped).map(|_| None);
    let event = |state: State| {
        Ok(match state.failure {
            Some(failure) => Event::default().event("failure").data(failure),
            None => Event::default().event("build").data(state.build),
        })
    };
    Sse::new(states.merge(stopped).map_while(move |state| state.map(event)))
}

/// The script itself.
pub async fn script() -> impl IntoResponse {
    ([("content-type", "text/javascript; charset=utf-8")], SCRIPT)
}
