//! The addresses of servers, as URLs.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

use crate::error::{Error, Result};

/// `redis://user:password@host:port/database`; the scheme may be left out.
pub(super) fn parse(url: &str) -> Result<ConnectionInfo> {
    let url = url.trim();
    let whole = if url.contains("://") { url.to_owned() } else { format!("redis://{url}") };
    let wrong = || {
        // What is before the `@` may be a password.
        let shown = url.rsplit_once('@').map_or(url, |(_, place)| place);
        Error::config(format!(
            "`{shown}` is no redis address; write `redis://user:password@host:port/database`, \
             of which only the host is needed"
        ))
    };
    let info = whole.into_connection_info().map_err(|error| wrong().caused_by(error))?;
    match info.addr() {
        ConnectionAddr::Tcp(host, _) if !host.is_empty() => Ok(info),
        _ => Err(wrong()),
    }
}

/// Several, with `,` or `;` between them.
pub(super) fn parse_all(urls: &str) -> Result<Vec<ConnectionInfo>> {
    let urls = urls.split([',', ';']).map(str::trim).filter(|url| !url.is_empty());
    let all = urls.map(parse).collect::<Result<Vec<_>>>()?;
    if all.is_empty() { parse("").map(|info| vec![info]) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let address = |url: &str| parse(url).unwrap().addr().to_string();
        assert_eq!(address("redis://10.0.0.1:1234/"), "10.0.0.1:1234");
        assert_eq!(address("host"), "host:6379");
        assert_eq!(address(" redis://u:p@host:1/2"), "host:1");
        assert_eq!(parse_all("a; b:2 ,redis://c/;").unwrap().len(), 3);
        for wrong in ["", "http://a/", "redis://a:port", "redis://", "unix:///tmp/s", "rediss://a"]
        {
            let message = parse(wrong).unwrap_err().to_string();
            assert!(message.contains(&format!("`{wrong}`")), "{message}");
        }
        let message = parse("redis://u:secret@h:x").unwrap_err();
        assert!(!format!("{message:?}").contains("secret"), "{message:?}");
        assert!(parse_all(";").is_err());
    }
}
