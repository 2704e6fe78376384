//! What the programs that serve pages promise beyond their pages.

#[path = "../examples/common/server.rs"]
mod server;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use beaker::ErrorKind;
use programs::{Build, Catalog, Workspace};

/// No test waits for so long, unless it fails.
const AT_MOST: Duration = Duration::from_secs(120);

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn connect(address: SocketAddr, sends: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(AT_MOST)).unwrap();
    stream.write_all(sends.as_bytes()).unwrap();
    stream
}

/// Neither do visitors who have begun a request, or said nothing, stay as long as they like, nor do
/// they keep the program from ending.
#[test]
fn visitors_do_not_decide_when_program_20_ends() {
    let workspace = Workspace::at(env!("CARGO_MANIFEST_DIR"));
    let catalog = Catalog::read(&workspace).unwrap();
    let program = catalog.find(20).unwrap();
    let release = !cfg!(debug_assertions);
    let built = Build::default().quiet(true).release(release).build(&workspace, &[program]);
    let mut command = Command::new(built.unwrap().executable(program).unwrap());
    let mut running = Running(command.env("PORT", "0").stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address: SocketAddr = line.trim().rsplit('/').next().unwrap().parse().unwrap();

    let begun = ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n"];
    for mut stream in begun.map(|sends| connect(address, sends)) {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "the server closes");
    }
    let mut there: Vec<_> = (0..30).map(|number| connect(address, begun[number % 3])).collect();
    // Answered last, so that all others have been accepted.
    there.push(connect(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_ne!(there.last_mut().unwrap().read(&mut [0; 1000]).unwrap(), 0);
    let id = running.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let asked = Instant::now();
    let end = loop {
        if let Some(end) = running.0.try_wait().unwrap() {
            break end;
        }
        // It is told to take 2 s. A busy machine may take longer; visitors would take for ever.
        assert!(asked.elapsed() < AT_MOST, "it still runs");
        thread::sleep(Duration::from_millis(5));
    };
    assert!(end.success(), "{end}");
    drop(there);
}

#[test]
fn a_program_without_its_server_says_how_to_get_one() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("redis://{address}/");
    let error = server::url("BEAKER_NO_SUCH_VARIABLE", &url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let message = error.to_string();
    let says = |part: &str| assert!(message.contains(part), "{message}");
    says(&format!("at {address}:"));
    says("BEAKER_NO_SUCH_VARIABLE");
    says("`cargo run -- run ");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let usual = format!("redis://{}/", listener.local_addr().unwrap());
    assert_eq!(server::url("BEAKER_NO_SUCH_VARIABLE", &usual).unwrap(), usual);
    // What is named is taken as it is.
    let path = env::var("PATH").unwrap();
    assert_eq!(server::url("PATH", &usual).unwrap(), path);
}
