//! An application served over real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use beaker::middleware::{App, Request, Response, Server, text};
use beaker::{Error, ErrorKind, Result};

fn application(request: &mut Request) -> Result<Response> {
    match request.uri().path() {
        "/panic" => panic!("on purpose"),
        "/error" => Err(Error::new(ErrorKind::Application, "on purpose")),
        "/echo" => Ok(text(String::from_utf8_lossy(request.body()))),
        path => Ok(text(path)),
    }
}

fn serve(test: impl FnOnce(SocketAddr)) {
    struct StopAtTheEnd(beaker::middleware::Stop);
    impl Drop for StopAtTheEnd {
        fn drop(&mut self) {
            self.0.stop();
        }
    }
    let server = Server::bind("127.0.0.1:0").unwrap().workers(2);
    let (address, stop) = (server.address(), StopAtTheEnd(server.stopper()));
    std::thread::scope(|scope| {
        scope.spawn(|| server.run(application));
        let _stop = stop;
        test(address);
    });
}

fn send(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(address: SocketAddr, path: &str) -> String {
    send(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
}

#[test]
fn answers() {
    serve(|address| {
        let answer = get(address, "/a");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n/a"), "{answer}");
    });
}

#[test]
fn a_panic_or_an_error_answers_500_and_the_next_request_is_served() {
    serve(|address| {
        for path in ["/panic", "/error", "/panic", "/error", "/panic"] {
            let answer = get(address, path);
            assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
            assert!(!answer.contains("on purpose"), "a visitor is told: {answer}");
        }
        assert!(get(address, "/a").ends_with("/a"));
    });
}

#[test]
fn bodies_have_a_limit() {
    serve(|address| {
        let post = |size: usize| {
            let head = format!(
                "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
            );
            send(address, &(head + &"x".repeat(size)))
        };
        assert!(post(1000).ends_with(&"x".repeat(1000)));
        let answer = post(1_100_000);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer:.100}");
    });
}

#[test]
fn a_claimed_length_is_not_believed() {
    serve(|address| {
        for length in
            ["100000000000000", "18446744073709551615", "99999999999999999999999", "-1", "1e3", ""]
        {
            let request = format!("POST /echo HTTP/1.1\r\nContent-Length: {length}\r\n\r\nx");
            let answer = send(address, &request);
            assert!(answer.starts_with("HTTP/1.1 4"), "{length}: {answer}");
        }
        // Who hangs up in the middle of a body is not waited for.
        for _ in 0..8 {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"POST /echo HTTP/1.1\r\nContent-Length: 1000\r\n\r\nx").unwrap();
        }
        assert!(get(address, "/a").ends_with("/a"));
    });
}

#[test]
fn upgrades_chunks_and_two_lengths() {
    serve(|address| {
        let ask = |headers: &str| send(address, &format!("GET /a HTTP/1.1\r\n{headers}\r\n\r\n"));
        assert!(ask("Connection: Upgrade\r\nUpgrade: h2c").ends_with("/a"));
        assert!(ask("Transfer-Encoding: chunked").starts_with("HTTP/1.1 411 "));
        assert!(ask("Content-Length: 1\r\nContent-Length: 2").starts_with("HTTP/1.1 400 "));
        assert!(ask(&"x: y\r\n".repeat(200)).starts_with("HTTP/1.1 431 "));
        assert!(ask(&format!("x: {}", "y".repeat(100_000))).starts_with("HTTP/1.1 431 "));
        assert!(ask("Cookie: name=Räikkönen").ends_with("/a"));
    });
}

#[test]
fn a_head_request_gets_no_body() {
    serve(|address| {
        let answer = send(address, "HEAD /abc HTTP/1.1\r\n\r\n");
        assert!(
            answer.contains("content-length: 4\r\n") && answer.ends_with("\r\n\r\n"),
            "{answer}"
        );
    });
}

#[test]
fn a_body_that_waits_to_be_asked_for_is_asked_for() {
    serve(|address| {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = "POST /echo HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut asked = [0; 25];
        stream.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(b"ok").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    });
}

#[test]
fn silent_visitors_do_not_keep_it_from_stopping() {
    let server = Server::bind("127.0.0.1:0").unwrap().workers(2);
    let (address, stop) = (server.address(), server.stopper());
    let running = std::thread::spawn(move || server.run(application));
    let silent: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
    stop.stop();
    // Their time runs out after ten seconds, whatever they do.
    running.join().unwrap();
    drop(silent);
}

#[test]
fn garbage_is_survived() {
    serve(|address| {
        for garbage in [
            "\r\n\r\n",
            "GET\r\n\r\n",
            "GET / HTTP/9.9\r\n\r\n",
            "GET \u{fffd} HTTP/1.1\r\n\r\n",
            "\u{0}\u{1}\r\n\r\n",
        ] {
            send(address, &format!("{garbage}GET / HTTP/1.1\r\nConnection: close\r\n\r\n"));
        }
        assert!(get(address, "/a").ends_with("/a"));
    });
}

#[test]
fn a_taken_port_is_named() {
    let first = Server::bind("127.0.0.1:0").unwrap();
    let address = first.address().to_string();
    let error = Server::bind(address.as_str()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains(&address), "{error}");
    assert!(error.to_string().contains("another port"), "{error}");
}

#[test]
fn an_app_can_be_called_without_a_server() {
    let mut request = http::Request::get("/a").body(Vec::new()).unwrap();
    assert_eq!(App::call(&application, &mut request).unwrap().body(), b"/a");
}

const FEW: &str = "BEAKER_TEST_SERVES_WITH_FEW_DESCRIPTORS";

/// Not a test of its own: what the next test starts, with few file descriptors.
#[test]
fn serves_with_few_descriptors() {
    if std::env::var_os(FEW).is_none() {
        return;
    }
    let server = Server::bind("127.0.0.1:0").unwrap();
    println!("\nat {}", server.address());
    server.run(application);
}

#[test]
fn running_out_of_descriptors_is_survived() {
    let this = std::env::current_exe().unwrap();
    let mut child = Command::new("sh")
        .args([
            "-c",
            "ulimit -n 24; exec \"$0\" --exact served::serves_with_few_descriptors --nocapture",
        ])
        .arg(this)
        .env(FEW, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.find_map(|line| line.strip_prefix("at ").map(str::to_owned)).unwrap();
    let address: SocketAddr = address.parse().unwrap();

    for _ in 0..3 {
        let many: Vec<_> = (0..40).map(|_| TcpStream::connect(address)).collect();
        drop(many);
        assert!(get(address, "/a").ends_with("/a"), "it accepts again");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
