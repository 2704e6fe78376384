//! An application served over real sockets, to visitors of all kinds.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use beaker::middleware::{App, Request, Response, Server, ShutdownHandle, text};
use beaker::{Error, ErrorKind, Result};

/// Longer than a connection's buffers.
const LARGE: usize = 32 * 1024 * 1024;

/// No test waits for so long, unless it fails.
const AT_MOST: Duration = Duration::from_secs(100);

fn application(request: &mut Request) -> Result<Response> {
    match request.uri().path() {
        "/panic" => panic!("on purpose"),
        "/error" => Err(Error::new(ErrorKind::Application, "on purpose")),
        "/echo" => Ok(text(String::from_utf8_lossy(request.body()))),
        "/large" => Ok(text("x".repeat(LARGE))),
        path => Ok(text(path)),
    }
}

/// A server that is stopped when this goes.
struct Serving {
    address: SocketAddr,
    handle: ShutdownHandle,
    running: Option<JoinHandle<Result<()>>>,
}

impl Serving {
    fn new(server: Server, app: impl App + 'static) -> Serving {
        let (address, handle) = (server.address(), server.shutdown_handle());
        let running = Some(thread::spawn(move || server.run(app)));
        Serving { address, handle, running }
    }

    /// Two workers, so that few visitors could hold all of them.
    fn application() -> Serving {
        Serving::new(Server::bind("127.0.0.1:0").unwrap().workers(2), application)
    }

    fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    /// What comes back, until the server closes.
    fn send(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        read_all(&mut stream)
    }

    fn get(&self, path: &str) -> String {
        get(self.address, path)
    }

    /// A head that asks the server to close, with these lines in it.
    fn ask(&self, lines: &str) -> String {
        self.send(&format!("GET /a HTTP/1.1\r\nConnection: close\r\nHost: x\r\n{lines}\r\n\r\n"))
    }

    fn shut_down(mut self) -> Result<()> {
        self.handle.shutdown();
        self.running.take().unwrap().join().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(AT_MOST)).unwrap();
    stream.set_write_timeout(Some(AT_MOST)).unwrap();
    stream
}

/// A connection that is cut shows what came before.
fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("no end came"),
        _ => String::from_utf8_lossy(&answer).into_owned(),
    }
}

/// One answer, of a connection that stays open.
fn read_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    let head = String::from_utf8(answer).unwrap();
    let length = head.to_lowercase();
    let length =
        length.split("content-length: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = connect(address);
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    read_all(&mut stream)
}

#[test]
fn answers_several_requests_of_a_connection() {
    let serving = Serving::application();
    let mut stream = serving.connect();
    for path in ["/a", "/b", "/c"] {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let answer = read_answer(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{path}")), "{answer}");
    }
    assert!(serving.send("GET /a HTTP/1.0\r\n\r\n").ends_with("/a"), "an old one, without a Host");
}

#[test]
fn a_panic_or_an_error_answers_500_and_the_next_request_is_served() {
    let serving = Serving::application();
    for path in ["/panic", "/error", "/panic", "/error", "/panic"] {
        let answer = serving.get(path);
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(!answer.contains("on purpose"), "a visitor is told: {answer}");
    }
    assert!(serving.get("/a").ends_with("/a"));
    let mut stream = serving.connect();
    for path in ["/panic", "/error", "/a"] {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        read_answer(&mut stream);
    }
}

#[test]
fn bodies_have_a_limit() {
    let server = Server::bind("127.0.0.1:0").unwrap().workers(2).body_limit(200_000);
    let serving = Serving::new(server, application);
    let post = |size: usize| {
        let head = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
        serving.send(&format!("{head}Content-Length: {size}\r\n\r\n{}", "x".repeat(size)))
    };
    for size in [0, 1, 1000, 1024, 1025, 5000, 200_000] {
        assert!(post(size).ends_with(&format!("\r\n\r\n{}", "x".repeat(size))), "{size}");
    }
    let answer = post(200_001);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer:.100}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer:.300}");
}

#[test]
fn a_body_that_is_cut_off_is_not_given_to_the_application() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let server = Server::bind("127.0.0.1:0").unwrap().workers(2);
    let serving = Serving::new(server, move |request: &mut Request| {
        counted.fetch_add(usize::from(request.uri().path() == "/echo"), Ordering::SeqCst);
        application(request)
    });
    for framing in ["Content-Length: 1000", "Content-Length: 100000"] {
        for _ in 0..8 {
            let mut stream = serving.connect();
            let head = format!("POST /echo HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\nx");
            stream.write_all(head.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let answer = read_all(&mut stream);
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
        }
    }
    assert!(serving.get("/a").ends_with("/a"));
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[test]
fn a_body_in_chunks_is_refused_whatever_its_size() {
    let serving = Serving::application();
    for body in ["0\r\n\r\n", "2\r\nok\r\n0\r\n\r\n", "ffffffffffffffff\r\nx", "zz\r\n", ""] {
        let head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
        let answer = serving.send(&format!("{head}Connection: close\r\n\r\n{body}"));
        assert!(answer.starts_with("HTTP/1.1 411 "), "{answer}");
    }
    let both = "Transfer-Encoding: chunked\r\nContent-Length: 9000000000000000000";
    assert!(serving.ask(both).starts_with("HTTP/1.1 411 "));
}

#[test]
fn a_body_that_waits_to_be_asked_for_is_asked_for() {
    let serving = Serving::application();
    let head = "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n";
    let mut stream = serving.connect();
    stream.write_all(format!("{head}Content-Length: 2\r\n\r\n").as_bytes()).unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100 Continue\r\n"), "{asked:?}");
    stream.write_all(b"ok").unwrap();
    let answer = read_all(&mut stream);
    assert!(answer.contains("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\nok"), "{answer}");

    // One that is too long is refused without asking for it.
    let mut stream = serving.connect();
    stream.write_all(format!("{head}Content-Length: 2000000\r\n\r\n").as_bytes()).unwrap();
    let answer = read_answer(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[test]
fn what_is_unclear_in_a_head_is_refused() {
    let serving = Serving::application();
    let refused = [
        ("Content-Length: -1", "400"),
        ("Content-Length: 1e3", "400"),
        ("Content-Length:", "400"),
        ("Content-Length: +1\r\n\r\nx", "400"),
        ("Content-Length: 99999999999999999999999", "413"),
        ("Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", "400"),
        ("Host: y", "400"),
        ("x\n: y", "400"),
        ("x: y\nz: a", "400"),
        ("x: y\rz", "400"),
        ("no colon", "400"),
        (&"x: y\r\n".repeat(200), "431"),
        (&format!("x: {}", "y".repeat(100_000)), "431"),
        (&format!("x: {}", "y".repeat(3_000_000)), "431"),
    ];
    for (lines, status) in refused {
        let answer = serving.ask(lines);
        let shown = &lines[..lines.len().min(60)];
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown:?}: {answer}");
    }
    let answer = serving.send("GET /a HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "no Host: {answer}");
    // Neither is what it answers of our making.
    assert!(serving.ask("Expect: miracles").starts_with("HTTP/1.1 417 "));
    assert_eq!(serving.ask("Cookie: name=Räikkönen"), "", "closed");
    assert!(serving.ask("Upgrade: h2c").ends_with("/a"));
    let upgrade = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nContent-Length: 2\r\n";
    assert!(serving.send(&format!("{upgrade}\r\nok")).ends_with("\r\n\r\nok"));
}

#[test]
fn garbage_is_survived() {
    let serving = Serving::application();
    let rest = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for garbage in [
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET \u{fffd} HTTP/1.1\r\n\r\n",
        "\u{0}\u{1}\r\n\r\n",
        "GET / HTTP/1.1\n\n",
        "GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}",
    ] {
        let mut stream = serving.connect();
        stream.write_all((garbage.to_owned() + rest).as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        read_all(&mut stream);
    }
    assert!(serving.get("/a").ends_with("/a"));
}

#[test]
fn an_answer_is_what_the_application_gave() {
    let server = Server::bind("127.0.0.1:0").unwrap();
    let serving = Serving::new(server, |request: &mut Request| {
        let response = http::Response::builder().header("Set-Cookie", "a=1").header("x", "1");
        let response = response.header("Set-Cookie", "b=2").header("Content-Length", "9000");
        let response = match request.uri().path() {
            "/none" => response.status(204),
            "/not-changed" => response.status(304),
            "/continue" => response.status(100),
            "/umlaut" => response.header("y", "Räikkönen"),
            _ => response,
        };
        Ok(response.body(b"four".to_vec()).unwrap())
    });
    let answer = serving.get("/");
    for line in ["set-cookie: a=1", "set-cookie: b=2", "x: 1", "Content-Length: 4"] {
        assert!(answer.contains(&format!("\r\n{line}\r\n")), "{line}: {answer}");
    }
    assert!(answer.ends_with("\r\n\r\nfour"), "{answer}");
    for path in ["/none", "/not-changed"] {
        assert!(serving.get(path).ends_with("\r\n\r\n"), "{path} has no body");
    }
    for path in ["/continue", "/umlaut"] {
        assert!(serving.get(path).starts_with("HTTP/1.1 500 "), "{path}");
    }
    let answer = serving.send("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(answer.contains("Content-Length: 4\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert_eq!(Serving::application().get("/large").split_once("\r\n\r\n").unwrap().1.len(), LARGE);
}

#[test]
fn requests_that_do_not_wait_for_answers_are_answered_in_order() {
    let serving = Serving::application();
    let mut all = String::new();
    for number in 0..200 {
        let (head, body) = ("POST /echo HTTP/1.1\r\nHost: x\r\n", format!("{number:02000}"));
        all += &format!("GET /{number} HTTP/1.1\r\nHost: x\r\n\r\n");
        all += &format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    }
    let mut stream = serving.connect();
    let mut sending = stream.try_clone().unwrap();
    let sender = thread::spawn(move || sending.write_all(all.as_bytes()).unwrap());
    for number in 0..200 {
        assert!(read_answer(&mut stream).ends_with(&format!("\r\n\r\n/{number}")));
        assert!(read_answer(&mut stream).ends_with(&format!("\r\n\r\n{number:02000}")));
    }
    sender.join().unwrap();
}

/// More of them than workers.
#[test]
fn visitors_who_are_slow_keep_nobody_waiting() {
    let serving = Serving::application();
    let mut slow = Vec::new();
    for begun in [
        "",
        "GET / HT",
        "GET / HTTP/1.1\r\nHost: x\r\nx: ",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\nhalf",
        "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nContent-Length: 4\r\n\r\n",
        "GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        for _ in 0..5 {
            let mut stream = serving.connect();
            stream.write_all(begun.as_bytes()).unwrap();
            if begun.contains("/large") {
                stream.read_exact(&mut [0; 1000]).unwrap();
            }
            slow.push(stream);
        }
        assert!(serving.get("/a").ends_with("/a"), "beside visitors who sent {begun:?}");
    }
}

#[test]
fn a_stop_lets_requests_end_and_wakes_idle_workers() {
    let (inside, go_on) = (Arc::new(Barrier::new(3)), Arc::new(Barrier::new(3)));
    let (entered, left) = (inside.clone(), go_on.clone());
    let serving = Serving::new(Server::bind("127.0.0.1:0").unwrap(), move |_: &mut Request| {
        entered.wait();
        left.wait();
        Ok(text("done"))
    });
    let mut waiting: Vec<_> = (0..2).map(|_| serving.connect()).collect();
    for stream in &mut waiting {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    }
    // These hold up nothing.
    let silent: Vec<_> = (0..20).map(|_| serving.connect()).collect();
    inside.wait();
    serving.handle.shutdown();
    go_on.wait();
    for stream in &mut waiting {
        assert!(read_answer(stream).ends_with("done"));
    }
    serving.shut_down().unwrap();
    drop(silent);
}

#[test]
fn a_stop_waits_no_longer_than_its_grace() {
    let release = Arc::new(Barrier::new(2));
    let (inside, released) = (Arc::new(Barrier::new(2)), release.clone());
    let entered = inside.clone();
    let server = Server::bind("127.0.0.1:0").unwrap().grace(Duration::from_millis(1));
    let serving = Serving::new(server, move |_: &mut Request| {
        entered.wait();
        released.wait();
        Ok(text("done"))
    });
    let mut stream = serving.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    inside.wait();
    let error = serving.shut_down().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Application);
    assert!(error.to_string().contains("1ms"), "{error}");
    release.wait();
    assert!(read_answer(&mut stream).ends_with("done"), "the process goes on, and so does it");

    // So does a body that does not arrive.
    let server = Server::bind("127.0.0.1:0").unwrap().grace(Duration::from_millis(1));
    let serving = Serving::new(server, application);
    let mut stream = serving.connect();
    let head =
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head).unwrap();
    stream.read_exact(&mut [0; 25]).unwrap();
    serving.shut_down().unwrap_err();
}

#[test]
fn a_server_may_be_stopped_before_it_runs() {
    let server = Server::bind("127.0.0.1:0").unwrap();
    server.shutdown_handle().shutdown();
    server.run(application).unwrap();
}

#[test]
fn a_taken_port_is_named() {
    let first = Server::bind("127.0.0.1:0").unwrap();
    let address = first.address().to_string();
    let error = Server::bind(address.as_str()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains(&address), "{error}");
    assert!(error.to_string().contains("another port"), "{error}");
}

#[test]
fn an_app_can_be_called_without_a_server() {
    let mut request = http::Request::get("/a").body(Vec::new()).unwrap();
    assert_eq!(App::call(&application, &mut request).unwrap().body(), b"/a");
}

const CHILD: &str = "BEAKER_TEST_SERVES_IN_A_PROCESS_OF_ITS_OWN";

/// Not a test of its own: what the next tests start, with few file descriptors.
#[test]
fn serves_in_a_process_of_its_own() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let server = Server::bind("127.0.0.1:0").unwrap().workers(2);
    println!("\nat {}", server.address());
    server.run(application).unwrap();
}

/// A process that serves, and may have so many file descriptors.
struct Process(Child, SocketAddr);

impl Process {
    fn start(descriptors: usize) -> Process {
        let command = format!("ulimit -n {descriptors}; exec \"$0\" --nocapture --exact \"$1\"");
        let mut child = Command::new("sh")
            .args(["-c", &command])
            .arg(std::env::current_exe().unwrap())
            .arg("served::serves_in_a_process_of_its_own")
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.find_map(|line| line.strip_prefix("at ").map(str::to_owned)).unwrap();
        Process(child, address.parse().unwrap())
    }

    fn claim(&self, length: &str) -> String {
        let mut stream = connect(self.1);
        let head = format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nx");
        stream.write_all(head.as_bytes()).unwrap();
        read_answer(&mut stream)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// tiny_http would allocate it, and the process would be gone.
#[test]
fn a_claimed_length_is_not_believed() {
    let process = Process::start(1024);
    for number in 0..300 {
        let answer = process.claim(["9000000000000000000", "9223372036854775807"][number % 2]);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    }
    for (claim, status) in [
        ("18446744073709551615", "413"),
        ("+9000000000000000000", "400"),
        ("9000000000000000000\r\nContent-Length: 1", "400"),
        ("9000000000000000000\r\nHost: y", "400"),
        ("9000000000000000000\r\nConnection: upgrade", "413"),
        ("9000000000000000000\r\nExpect: 100-continue", "413"),
        ("100000000", "413"),
        ("2000000", "413"),
    ] {
        let answer = process.claim(claim);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{claim}: {answer}");
    }
    assert!(get(process.1, "/a").ends_with("/a"));
}

/// With an even and with an odd number of them, since a connection takes two.
#[test]
fn running_out_of_descriptors_is_survived() {
    for descriptors in [40, 41] {
        let process = Process::start(descriptors);
        for _ in 0..2 {
            let many: Vec<_> = (0..40).map(|_| TcpStream::connect(process.1)).collect();
            drop(many);
            // Those that have just gone may still have their descriptors, and who comes then is sent
            // away without an answer.
            let mut answers = (0..1000).map(|_| get(process.1, "/a"));
            let answer = answers.find(|answer| !answer.is_empty());
            assert!(answer.is_some_and(|it| it.ends_with("/a")), "it accepts again");
        }
    }
}
