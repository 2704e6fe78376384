//! What a browser may do with our answers: the headers that all of them have.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use axum::extract::{Request, State as Shared};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::Next;
use axum::response::Response;
use data_encoding::BASE64;
use sha2::{Digest, Sha256};
use tokio::sync::watch::Receiver;

use super::live::State;
use crate::book::edition::EDITIONS;

/// Pages change under the reader's hands: the browser asks each time, and gets 304 if they have not.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// So that no other page has ours in a frame, reads it, or sees in a window where it goes.
const FIXED: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Adds the headers.
pub async fn headers(
    Shared(states): Shared<Receiver<State>>,
    request: Request,
    next: Next,
) -> Response {
    // The contents, which a page has in a frame where there are no scripts.
    let is_framed = request.uri().path().ends_with("/toc.html");
    let mut answer = next.run(request).await;
    let policy = policy(&states.borrow().scripts, is_framed);
    let headers = answer.headers_mut();
    headers.extend(FIXED);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.entry(CACHE_CONTROL).or_insert(NO_CACHE);
    answer
}

/// All comes from here, but for the pages that programs serve on ports of their own. mdBook has styles in
/// its pages, and a drawing is one with its own; scripts in a page are known by their hashes.
fn policy(scripts: &str, is_framed: bool) -> String {
    let ancestors = if is_framed { "'self'" } else { "'none'" };
    format!(
        "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; \
         frame-src 'self' http://localhost:* http://127.0.0.1:*; \
         form-action 'self'; base-uri 'self'; frame-ancestors {ancestors}"
    )
}

/// The hashes of all scripts that are in pages, as they stand in a policy. There are few: those of mdBook's
/// template.
pub fn scripts(root: &Path) -> String {
    let mut hashes = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for edition in &EDITIONS {
        for entry in fs::read_dir(edition.built(root)).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "html") {
                continue;
            }
            // A page that is gone has no scripts.
            let page = fs::read_to_string(path).unwrap_or_default();
            for script in inline(&page) {
                if seen.insert(script.to_owned()) {
                    hashes.insert(BASE64.encode(&Sha256::digest(script)));
                }
            }
        }
    }
    hashes.iter().map(|hash| format!(" 'sha256-{hash}'")).collect()
}

/// The scripts in a page that have no file.
fn inline(page: &str) -> impl Iterator<Item = &str> {
    page.split("<script").skip(1).filter_map(|script| {
        let (attributes, rest) = script.split_once('>')?;
        (!attributes.contains("src=")).then(|| rest.split_once("</script>"))?.map(|(text, _)| text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_scripts_in_a_page() {
        let page = "<script src=\"a.js\"></script><p>&lt;script></p><script>one\n</script>\
                    <script defer src=\"b.js\"></script>\n<script type=\"x\">two</script>";
        assert_eq!(inline(page).collect::<Vec<_>>(), ["one\n", "two"]);
    }
}
