//! The programs that are visited.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use beaker::middleware;
use programs::{Build, Catalog, Workspace};

pub const SERVERS: [&str; 2] = ["5_session_wsgi", "20_session_axum"];

/// For pages that are larger than those of the programs, this benchmark serves with the same servers.
const LARGE: &str = "BEAKER_BENCHMARK_SERVES_LARGE_ANSWERS";

pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

/// What a process takes.
pub struct Costs {
    pub threads: usize,
    pub kilobytes: usize,
}

impl Server {
    pub fn start(name: &str, large: bool) -> io::Result<Server> {
        let mut command = if large {
            let mut command = Command::new(env::current_exe()?);
            command.env(LARGE, name);
            command
        } else {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
            let workspace = Workspace::at(&root);
            let catalog = Catalog::read(&workspace).map_err(io::Error::other)?;
            let program = catalog.programs().iter().find(|program| program.name() == name);
            let program = program.ok_or_else(|| io::Error::other(format!("no program {name}")))?;
            let built = Build::default().quiet(true).release(true).build(&workspace, &[program]);
            let built = built.map_err(io::Error::other)?;
            Command::new(built.executable(program).map_err(io::Error::other)?)
        };
        let mut child = command.env("PORT", "0").stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().map(BufReader::new);
        output.ok_or(io::ErrorKind::BrokenPipe)?.read_line(&mut line)?;
        let address = line.trim().rsplit('/').next().unwrap_or_default().parse();
        Ok(Server { child, address: address.map_err(io::Error::other)? })
    }

    /// How long an ordinary visit takes.
    pub fn visit(&self, patience: Duration) -> io::Result<Duration> {
        let begun = Instant::now();
        let mut stream = TcpStream::connect_timeout(&self.address, patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        match answer.starts_with("HTTP/1.1 200 ") {
            true => Ok(begun.elapsed()),
            false => Err(io::Error::other(answer)),
        }
    }

    pub fn costs(&self) -> Costs {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        Costs { threads: number("Threads:"), kilobytes: number("VmRSS:") }
    }

    /// How many connections it has: those that the system shows with its port, and not closed by it.
    pub fn connections(&self) -> usize {
        let all = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        let port = format!("0100007F:{:04X}", self.address.port());
        // Established, or left by the visitor and not by the server.
        let is_there = |line: &&str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.get(1) == Some(&port.as_str()) && matches!(words.get(3), Some(&"01" | &"08"))
        };
        all.lines().filter(is_there).count()
    }

    pub fn is_alive(&self) -> bool {
        self.costs().threads > 0
    }

    /// Sends it Ctrl-C, and says how long it takes to end.
    pub fn end(mut self, patience: Duration) -> Option<Duration> {
        let begun = Instant::now();
        let id = self.child.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().ok()?;
        while begun.elapsed() < patience {
            if self.child.try_wait().ok()?.is_some() {
                return Some(begun.elapsed());
            }
            thread::sleep(Duration::from_millis(1));
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves, if that is what this process is for.
pub fn serves_large_answers() -> bool {
    let Ok(name) = env::var(LARGE) else { return false };
    let large = || "x".repeat(20 * 1024 * 1024);
    if name == SERVERS[0] {
        let server = middleware::Server::bind("127.0.0.1:0").unwrap();
        println!("Serving at http://{}", server.address());
        server
            .run(move |request: &mut middleware::Request| match request.uri().path() {
                "/large" => Ok(middleware::text(large())),
                _ => Ok(middleware::text("small")),
            })
            .unwrap();
        return true;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        use axum::routing;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        println!("Serving at http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().route("/", routing::get(async || "small"));
        let app = app.route("/large", routing::get(async move || large()));
        let handle = axum_server::Handle::new();
        let server = axum_server::from_tcp(listener).unwrap().http1_only();
        let mut server = server.handle(handle.clone());
        server.http_builder().http1().header_read_timeout(Duration::from_secs(10));
        tokio::spawn(async move {
            let _ = tokio::signal::ctrl_c().await;
            handle.graceful_shutdown(Some(Duration::from_secs(2)));
        });
        server.serve(app.into_make_service()).await.unwrap();
    });
    true
}
