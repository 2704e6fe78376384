//! What a page may ask for.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::Shared;
use super::job::Job;
use super::what::What;

/// So many events wait to be sent; then the program waits too.
const EVENTS: usize = 64;

/// What is to be run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// A program, such as `0_session`, or an exercise, such as `00_session`.
    what: String,
    /// What the reader made of it; without this, as it is in the repository.
    source: Option<String>,
}

/// Runs something, and tells what happens, a line of JSON at a time. It is stopped when nobody reads on.
pub async fn start(State(shared): State<Arc<Shared>>, Json(start): Json<Start>) -> Response {
    let what = match What::find(&shared.workspace, &start.what) {
        Ok(Some(what)) => what,
        Ok(None) => return missing(&start.what),
        Err(error) => return broken(&error),
    };
    if matches!(what, What::Exercise(_)) && start.source.is_none() {
        return (StatusCode::BAD_REQUEST, "An exercise needs an answer.\n").into_response();
    }
    if start.source.is_some()
        && let Err(error) = what.can_be_edited()
    {
        return (StatusCode::BAD_REQUEST, format!("{error:#}\n")).into_response();
    }
    let Some(permit) = shared.jobs.begin() else {
        let why = "Enough programs run already; stop one of them first.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    };
    let (sender, events) = mpsc::channel(EVENTS);
    let source = start.source;
    let job = Job { shared, what, source, is_start: false, folder: None, events: sender };
    std::thread::spawn(move || {
        job.run();
        drop(permit);
    });
    let lines = ReceiverStream::new(events).map(|event| {
        // An event is texts and numbers, which always are JSON.
        let line = serde_json::to_string(&event).unwrap_or_default();
        Ok::<_, std::convert::Infallible>(line + "\n")
    });
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

/// The whole source of a program, or the start of an exercise: to be edited.
pub async fn source(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    match What::find(&shared.workspace, &name) {
        Ok(Some(what)) => match what.source() {
            Ok(source) => source.into_response(),
            Err(error) if what.can_be_edited().is_err() => {
                (StatusCode::BAD_REQUEST, format!("{error:#}\n")).into_response()
            }
            Err(error) => broken(&error),
        },
        Ok(None) => missing(&name),
        Err(error) => broken(&error),
    }
}

fn missing(name: &str) -> Response {
    let name: String = name.chars().take(80).collect();
    (StatusCode::NOT_FOUND, format!("There is no program or exercise `{name}`.\n")).into_response()
}

fn broken(error: &anyhow::Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response()
}
