//! The real server, and requests to it. The tests and the benchmark share it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// The workbook's server, ended with this.
pub struct Server {
    process: Child,
    address: SocketAddr,
    /// What a browser has once the terminal's address was opened in it.
    cookie: String,
    key: String,
}

/// The workbook.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

impl Server {
    /// Serves the workbook in this folder, with these options.
    pub fn start(root: &Path, options: &[&str]) -> Server {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_workbook"))
            .args(["serve", "--port", &free.port().to_string()])
            .args(options)
            .current_dir(root)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It prints its addresses when it listens.
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let shown = line.split_once(&format!("http://{free}")).expect("an address").1.trim();
        let mut server =
            Server { process, address: free, cookie: String::new(), key: String::new() };
        let mut answer = String::new();
        server.send(&format!("GET {shown}"), "").read_to_string(&mut answer).unwrap();
        let between = |start: &str, end: char| {
            let rest = answer.split_once(start).expect(start).1;
            rest.split(end).next().unwrap_or_default().trim().to_owned()
        };
        server.cookie = between("set-cookie: ", ';');
        server.key = between("#workbook=", '\r');
        server
    }

    /// The process that serves.
    pub fn process(&mut self) -> &mut Child {
        &mut self.process
    }

    /// Sends a request as a page of the server does.
    pub fn send(&self, what: &str, body: &str) -> BufReader<TcpStream> {
        let Server { address, cookie, key, .. } = self;
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "{what} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nCookie: {cookie}\r\nX-Workbook-Key: {key}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        BufReader::new(stream)
    }

    /// The events of a program with this source, as they come.
    pub fn edit(&self, what: &str, source: &str) -> impl Iterator<Item = Value> + use<> {
        self.run(&json!({ "what": what, "source": source }))
    }

    /// The events of a program, as they come.
    pub fn run(&self, what: &Value) -> impl Iterator<Item = Value> + use<> {
        let body = what.to_string();
        let lines = self.send("POST /run/start", &body).lines();
        lines
            .map_while(Result::ok)
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str(&line).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
