//! What the reader has done.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use crate::book::contents::contents;
use crate::book::edition::EDITIONS;
use crate::reader::Reader;

/// A page that was read to its end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    page: String,
}

/// Everything, for the marks in the contents.
pub async fn done(State(shared): State<Arc<Shared>>) -> Response {
    match Reader::open(shared.workspace.root()) {
        Ok(reader) => {
            let done = reader.done();
            let all = json!({ "pages": done.pages, "programs": done.programs, "exercises": done.exercises });
            Json(all).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response(),
    }
}

/// Notes a page.
pub async fn read(State(shared): State<Arc<Shared>>, Json(read): Json<Read>) -> Response {
    let root = shared.workspace.root();
    let noted = contents(root, &EDITIONS[0]).and_then(|pages| {
        let is_known = pages.contains(&read.page);
        if is_known {
            Reader::open(root)?.read(&read.page)?;
        }
        Ok(is_known)
    });
    match noted {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => (StatusCode::NOT_FOUND, "There is no such page.\n").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response(),
    }
}
