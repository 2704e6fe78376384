//! The visitor, who sees one shop.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use beaker::testing::CookieJar;
use beaker::{Error, ErrorKind, Result};

/// Where the browser believes to be.
const SHOP: &str = "http://localhost/";

pub fn walk(shop: SocketAddr) -> Result<()> {
    let mut browser = CookieJar::new();
    for path in ["/basket/add", "/login", "/account", "/basket/add"] {
        visit(shop, &mut browser, path)?;
    }
    for path in ["/account/move", "/basket", "/account"] {
        visit(shop, &mut browser, path)?;
    }
    let mut thief = CookieJar::new();
    let copy = browser.header(SHOP).unwrap_or_default(); // (1)
    thief.set(SHOP, &copy);
    visit(shop, &mut browser, "/logout")?;
    visit(shop, &mut browser, "/account")?;
    println!("\nWith a copy of the cookie:");
    visit(shop, &mut thief, "/account")
}

/// Shows what a page answers, and keeps its cookies.
fn visit(shop: SocketAddr, browser: &mut CookieJar, path: &str) -> Result<()> {
    let cookie = browser.header(SHOP).unwrap_or_default();
    let answer = get(shop, path, &cookie).map_err(|error| {
        let what = format!("no answer from {path}");
        Error::new(ErrorKind::Unavailable, what).caused_by(error)
    })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    for line in head.lines() {
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("set-cookie")
        {
            browser.set(SHOP, value);
        }
    }
    println!("{path:14} {body}");
    Ok(())
}

fn get(shop: SocketAddr, path: &str, cookie: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(shop)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let host = "Host: localhost\r\nConnection: close";
    write!(
        stream,
        "GET {path} HTTP/1.0\r\n{host}\r\nCookie: {cookie}\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
