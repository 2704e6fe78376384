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
    token: String,
}

/// The workbook.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

impl Server {
    /// Serves the workbook in this folder.
    pub fn start(root: &Path) -> Server {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_workbook"))
            .args(["serve", "--port", &free.port().to_string()])
            .current_dir(root)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It prints its addresses when it listens.
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut server = Server { process, address: free, token: String::new() };
        let mut answer = String::new();
        server.send("GET /run/token", "").read_to_string(&mut answer).unwrap();
        server.token = answer.lines().last().unwrap().to_owned();
        server
    }

    /// Sends a request as a page of the server does.
    pub fn send(&self, what: &str, body: &str) -> BufReader<TcpStream> {
        let (address, token, length) = (self.address, &self.token, body.len());
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "{what} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nX-Workbook-Token: {token}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
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
