//! The way in: an address with the key becomes a cookie, and the same address without it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::keys::Keys;

const WRONG: &str = "\
This address is not the one that the workbook's terminal shows: its key is of an earlier start, or \
incomplete. Open the address that the terminal shows now.

Адрес не тот, что показан в терминале тетради: ключ в нём от прошлого запуска или неполный. \
Откройте адрес, который терминал показывает сейчас.
";

/// Lets in who brings the key, and passes on what brings none.
pub async fn by_key(State(keys): State<Arc<Keys>>, request: Request, next: Next) -> Response {
    let Some((key, rest)) = split(request.uri()) else {
        return next.run(request).await;
    };
    if !keys.opens(&key) {
        let text = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
        return (StatusCode::FORBIDDEN, text, WRONG).into_response();
    }
    // What follows `#` is for the scripts of the page, and is sent to no server.
    let target = format!("{rest}#workbook={}", keys.page());
    let headers = [
        (LOCATION, target),
        (SET_COOKIE, keys.set_cookie()),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// The key of an address, and the address without it.
fn split(uri: &Uri) -> Option<(String, String)> {
    let (keys, others): (Vec<&str>, Vec<&str>) =
        uri.query()?.split('&').partition(|part| part.starts_with("key="));
    let key = keys.first()?.strip_prefix("key=")?;
    // Two slashes would begin the name of another host.
    let mut rest = format!("/{}", uri.path().trim_start_matches('/'));
    if !others.is_empty() {
        rest += &format!("?{}", others.join("&"));
    }
    Some((key.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_and_the_rest_stays() {
        let check = |address: &str, wanted: Option<(&str, &str)>| {
            let found = split(&address.parse().unwrap());
            let wanted = wanted.map(|(key, rest)| (key.to_owned(), rest.to_owned()));
            assert_eq!(found, wanted, "{address}");
        };
        check("/en/", None);
        check("/en/?search=key", None);
        check("/en/?key=a-b_", Some(("a-b_", "/en/")));
        check(
            "/en/x.html?search=x&key=a&highlight=y",
            Some(("a", "/en/x.html?search=x&highlight=y")),
        );
        check("/en/?key=&key=b", Some(("", "/en/")));
        check("//evil.example/?key=a", Some(("a", "/evil.example/")));
    }
}
