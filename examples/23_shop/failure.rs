//! What a handler fails with, and the page that a visitor sees then.

use std::error::Error;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use beaker::ErrorKind;

pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Any error. A visitor learns nothing of it; the log does.
#[derive(Debug)]
pub enum Failure {
    /// Something is broken.
    Broken(Box<dyn Error + Send + Sync>),
    /// The visitor asked for something that is not there, or not theirs.
    Refused(StatusCode, &'static str),
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Broken(error.into())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Broken(error) => error.fmt(f),
            Failure::Refused(status, why) => write!(f, "{status}: {why}"),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Failure::Refused(status, why) => (status, why),
            Failure::Broken(error) => {
                tracing::error!(%error, "a page failed");
                let is_down =
                    error.downcast_ref::<beaker::Error>().is_some_and(
                        |error| error.kind() == ErrorKind::Unavailable,
                    );
                match is_down {
                    true => (
                        StatusCode::SERVICE_UNAVAILABLE,
                        "Please come back in a minute.",
                    ),
                    false => (
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "Something went wrong here.",
                    ),
                }
            }
        };
        let page = format!(
            "<!doctype html>\n<html lang=en><meta charset=utf-8>\n\
             <title>The tea shop</title>\n<main><h1>{}</h1>\n<p>{why}</p>\n\
             <p><a href=/>To the shop</a></p></main>\n",
            status.canonical_reason().unwrap_or("Error"),
        );
        (status, Html(page)).into_response()
    }
}
