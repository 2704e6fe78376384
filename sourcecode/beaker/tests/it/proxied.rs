//! Cookies that go by how a request came: what a trusted proxy says of it, and what a stranger says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;

use beaker::middleware::{
    App, PeerAddress, Request, Response, SessionExt, SessionMiddleware, text,
};
use beaker::{
    Backend, CookieOptions, ProxyHeader, Result, SameSite, Sessions, Signer, TrustedProxies,
};

const PLAIN: &str = "; HttpOnly; SameSite=Lax; Path=/";
const SECURE: &str = "; HttpOnly; SameSite=Lax; Secure; Path=/";

fn sessions(cookie: CookieOptions) -> Sessions {
    Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap()).cookie(cookie)
}

fn by_request() -> CookieOptions {
    CookieOptions::default().secure_by_request("10.0.0.0/8, ::1".parse().unwrap())
}

fn count(request: &mut Request) -> Result<Response> {
    let mut session = request.session()?;
    session.set("visited", true);
    session.save()?;
    Ok(text("fine"))
}

/// What comes behind the value of the cookie.
fn attributes(cookie: &str) -> &str {
    &cookie[cookie.find(';').unwrap()..]
}

#[track_caller]
fn check(cookie: CookieOptions, peer: Option<&str>, headers: &[(&str, &str)], expected: &str) {
    let mut request = http::Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Vec::new()).unwrap();
    if let Some(peer) = peer {
        let peer = PeerAddress::new(peer.parse().unwrap());
        assert_eq!(PeerAddress::new(peer.address()), peer);
        request.extensions_mut().insert(peer);
    }
    of_tower(cookie.clone(), request.clone(), expected);
    let app = SessionMiddleware::new(count, sessions(cookie)).unwrap();
    let response = app.call(&mut request).unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert_eq!(attributes(cookie), expected, "{peer:?} {headers:?}");
}

fn of_tower(cookie: CookieOptions, request: Request, expected: &str) {
    use beaker::middleware::{SessionLayer, session_of};
    use tower::{Layer, ServiceExt, service_fn};

    let service = service_fn(|request: Request| async move {
        let mut session = session_of(request.extensions()).await?;
        session.set("visited", true);
        session.save().map(|()| text("fine"))
    });
    let service = SessionLayer::new(sessions(cookie)).unwrap().layer(service);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let response = runtime.block_on(service.oneshot(request)).unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert_eq!(attributes(cookie), expected, "around a service: {:?}", response.headers());
}

#[test]
fn the_cookie_goes_by_what_a_trusted_proxy_says() {
    let https = [("x-forwarded-proto", "https")];
    check(by_request(), Some("10.0.0.1:4711"), &https, SECURE);
    check(by_request(), Some("[::1]:4711"), &https, SECURE);
    check(by_request(), Some("[::ffff:10.0.0.1]:4711"), &https, SECURE);
    check(by_request(), Some("10.0.0.1:4711"), &[("x-forwarded-proto", "http")], PLAIN);
    check(by_request(), Some("10.0.0.1:4711"), &[], PLAIN);
    let forwarded: TrustedProxies = "10.0.0.0/8".parse().unwrap();
    let forwarded = forwarded.header(ProxyHeader::Forwarded);
    let cookie = CookieOptions::default().secure_by_request(forwarded);
    let said = [("forwarded", "for=\"[2001:db8::1]:80\";proto=\"https\"")];
    check(cookie.clone(), Some("10.0.0.1:4711"), &said, SECURE);
    check(cookie, Some("10.0.0.1:4711"), &https, PLAIN);
}

#[test]
fn nobody_else_is_believed() {
    let https = [("x-forwarded-proto", "https")];
    check(by_request(), Some("192.0.2.1:4711"), &https, PLAIN);
    check(by_request(), None, &https, PLAIN);
    let posing = [("x-forwarded-proto", "https"), ("x-forwarded-for", "10.0.0.1")];
    check(by_request(), Some("192.0.2.1:4711"), &posing, PLAIN);
    check(by_request(), Some("10.0.0.1:4711"), &[("forwarded", "proto=https")], PLAIN);
    let added = [("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")];
    check(by_request(), Some("10.0.0.1:4711"), &added, PLAIN);
    // Where TLS is all there is, the cookie is never sent without it.
    check(CookieOptions::default(), None, &[("x-forwarded-proto", "http")], SECURE);
}

#[test]
fn what_needs_secure_is_left_out_over_plain_http() {
    let cookie = by_request().same_site(SameSite::None).partitioned();
    let https = [("x-forwarded-proto", "https")];
    let expected = "; HttpOnly; SameSite=None; Secure; Path=/; Partitioned";
    check(cookie.clone(), Some("10.0.0.1:1"), &https, expected);
    check(cookie, Some("10.0.0.1:1"), &[], PLAIN);
}

#[test]
fn a_session_goes_on_when_its_visitor_changes_to_tls() {
    let app = SessionMiddleware::new(count, sessions(by_request())).unwrap();
    let visit = |cookie: Option<&str>, scheme: &str| {
        let mut request = http::Request::get("/").header("x-forwarded-proto", scheme);
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let mut request = request.body(Vec::new()).unwrap();
        request.extensions_mut().insert(PeerAddress::new("10.0.0.1:1".parse().unwrap()));
        let response = app.call(&mut request).unwrap();
        response.headers().get("set-cookie").map(|cookie| cookie.to_str().unwrap().to_owned())
    };
    let first = visit(None, "http").unwrap();
    let cookie = first.split(';').next();
    assert_eq!(visit(cookie, "https"), None);
    assert_eq!(visit(cookie, "http"), None);
}

#[test]
fn that_no_peer_is_known_is_told_once() {
    let call = |app: &dyn App, peer: Option<&str>| {
        let request = http::Request::get("/").header("x-forwarded-proto", "https");
        let mut request = request.body(Vec::new()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(PeerAddress::new(peer.parse().unwrap()));
        }
        app.call(&mut request).unwrap();
    };
    let app = SessionMiddleware::new(count, sessions(by_request())).unwrap();
    let told = crate::events::warnings(|| (0..3).for_each(|_| call(&app, None)));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("into_make_service_with_connect_info"), "{told:?}");

    let app = SessionMiddleware::new(count, sessions(by_request())).unwrap();
    let told = crate::events::warnings(|| {
        (0..3).for_each(|_| call(&app, Some("192.0.2.7:1")));
    });
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("192.0.2.7") && told[0].contains("trusted"), "{told:?}");
}

/// A nginx that ends TLS, before an application that is told of it.
struct Site {
    nginx: servers::Nginx,
    certificate: rustls::pki_types::CertificateDer<'static>,
    /// Holds the certificate.
    _folder: tempfile::TempDir,
}

impl Site {
    fn before(server: SocketAddr, lines: &str) -> Site {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] = ["crt", "key"].map(|name| folder.path().join(name));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let nginx = servers::Nginx::before(&[server], [&certificate, &key], lines).unwrap();
        Site { nginx, certificate: made.cert.der().clone(), _folder: folder }
    }

    /// The attributes of the cookie that a visitor gets who sends these headers.
    fn visit(&self, is_tls: bool, headers: &str) -> String {
        if !is_tls {
            let stream = TcpStream::connect(self.nginx.plain()).unwrap();
            return ask(stream, headers);
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "127.0.0.1".try_into().unwrap();
        let client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect(self.nginx.tls()).unwrap();
        ask(rustls::StreamOwned::new(client, stream), headers)
    }
}

fn ask(mut stream: impl Read + Write, headers: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let lines = BufReader::new(stream).lines().map(|line| line.unwrap());
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    assert_eq!(head[0], "HTTP/1.1 200 OK", "{head:?}");
    let cookie = head.iter().find_map(|line| line.strip_prefix("Set-Cookie: "));
    let cookie = cookie.or_else(|| head.iter().find_map(|line| line.strip_prefix("set-cookie: ")));
    attributes(cookie.unwrap_or_else(|| panic!("no cookie in {head:?}"))).to_owned()
}

/// What a visitor makes up, so that the cookie might be another one.
const FORGED: [&str; 5] = [
    "X-Forwarded-Proto: https\r\nX-Forwarded-For: 127.0.0.1\r\n",
    "X-Forwarded-Proto: http\r\nX-Forwarded-For: 127.0.0.1\r\n",
    "Forwarded: for=127.0.0.1;proto=https\r\n",
    "Forwarded: for=127.0.0.1;proto=http\r\n",
    "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: https\r\nForwarded: proto=https;x=\"\r\n",
];

/// How nginx says it, with the one header and with the other.
const SAYS: [(ProxyHeader, &str); 2] = [
    (
        ProxyHeader::XForwardedProto,
        "proxy_set_header X-Forwarded-Proto $scheme;\n\
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    ),
    (ProxyHeader::Forwarded, "proxy_set_header Forwarded \"for=$remote_addr;proto=$scheme\";"),
];

fn check_behind_nginx(server: SocketAddr, lines: &str) {
    let site = Site::before(server, lines);
    for headers in [""].iter().chain(&FORGED) {
        assert_eq!(site.visit(true, headers), SECURE, "over TLS with {headers:?}");
        assert_eq!(site.visit(false, headers), PLAIN, "in the clear with {headers:?}");
    }
}

fn behind_nginx(header: ProxyHeader) -> CookieOptions {
    let proxies: TrustedProxies = "127.0.0.1".parse().unwrap();
    CookieOptions::default().secure_by_request(proxies.header(header))
}

#[servers::needs(nginx)]
#[test]
fn an_app_behind_nginx_tells_its_visitors_apart() {
    for (header, lines) in SAYS {
        let server = beaker::middleware::Server::bind("127.0.0.1:0").unwrap();
        let (address, handle) = (server.address(), server.shutdown_handle());
        let app = SessionMiddleware::new(count, sessions(behind_nginx(header))).unwrap();
        let running = thread::spawn(move || server.run(app));
        check_behind_nginx(address, lines);
        handle.shutdown();
        running.join().unwrap().unwrap();
    }
}

#[servers::needs(nginx)]
#[test]
fn axum_behind_nginx_tells_its_visitors_apart() {
    use axum::routing::get;
    use beaker::middleware::{RequestSession, SessionLayer};

    async fn count(mut session: RequestSession) -> Result<&'static str> {
        session.set("visited", true);
        session.save().map(|()| "fine")
    }

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for (header, lines) in SAYS {
        let layer = SessionLayer::new(sessions(behind_nginx(header))).unwrap();
        let app = axum::Router::new().route("/", get(count)).layer(layer);
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let serving = runtime.spawn(async move { axum::serve(listener, app).await });
        check_behind_nginx(address, lines);
        serving.abort();
    }
}
