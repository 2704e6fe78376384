//! An nginx before servers of a test or of a program, where it is installed. There is no stand-in.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use tempfile::TempDir;

use crate::installed::find;
use crate::{Error, Result};

/// How long it may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How often it is tried, should another process take a port that was free.
const ATTEMPTS: usize = 3;

/// As for the other servers: it ends when nobody holds the other end of the standard input.
const KEEPER: &str = r#"
trap '' INT TERM HUP
exec 3<&0
"$0" "$@" >/dev/null 3<&- &
server=$!
(read -r _ <&3; kill -KILL $server) 2>/dev/null &
wait $server
kill -KILL $! 2>/dev/null
"#;

/// A running nginx that passes requests on, one port over TLS and one in the clear; ended, and its folder
/// removed, when this value goes.
#[derive(Debug)]
pub struct Nginx {
    _running: Running,
    plain: SocketAddr,
    tls: SocketAddr,
}

impl Nginx {
    /// Starts one before the servers at these addresses, which take turns, with a certificate and its key, and with lines of its
    /// configuration, such as `proxy_set_header X-Forwarded-Proto $scheme;`.
    pub fn before(
        servers: &[SocketAddr],
        [certificate, key]: [&Path; 2],
        lines: &str,
    ) -> Result<Nginx> {
        let (certificate, key) = (certificate.display(), key.display());
        let all = servers.iter().map(|server| format!("server {server};\n")).collect::<String>();
        let http = |[plain, tls]: [SocketAddr; 2]| {
            format!(
                "upstream servers {{\n{all}}}\nserver {{\n\
                 listen {plain};\nlisten {tls} ssl;\nssl_certificate {certificate};\n\
                 ssl_certificate_key {key};\nlocation / {{\nproxy_pass http://servers;\n\
                 proxy_set_header Host $http_host;\n{lines}\n}}\n}}\n"
            )
        };
        let (running, [plain, tls]) = Running::start(http)?;
        Ok(Nginx { _running: running, plain, tls })
    }

    /// Where it listens in the clear.
    #[must_use]
    pub fn plain(&self) -> SocketAddr {
        self.plain
    }

    /// Where it listens over TLS.
    #[must_use]
    pub fn tls(&self) -> SocketAddr {
        self.tls
    }
}

/// A running nginx whose servers and routes its starter has written; ended, and its folder removed, when this
/// value goes.
#[derive(Debug)]
pub struct Proxy {
    _running: Running,
    address: SocketAddr,
}

impl Proxy {
    /// Starts one with this text inside of `http`, in which `${LISTEN}` stands for its address.
    pub fn start(http: &str) -> Result<Proxy> {
        let (running, [address]) =
            Running::start(|[address]| http.replace("${LISTEN}", &address.to_string()))?;
        Ok(Proxy { _running: running, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// The process and its folder.
#[derive(Debug)]
struct Running {
    keeper: Child,
    folder: TempDir,
}

impl Running {
    /// Starts one that listens at so many free addresses, with what is inside of `http`.
    fn start<const N: usize>(
        http: impl Fn([SocketAddr; N]) -> String,
    ) -> Result<(Running, [SocketAddr; N])> {
        let program = find("nginx").ok_or_else(|| {
            Error::new("nginx is required and not installed; Debian has it in the package nginx")
        })?;
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match free().and_then(|free| Ok((Running::at(&program, &free, &http(free))?, free))) {
                Ok(started) => return Ok(started),
                Err(error) => last = Some(error),
            }
        }
        let message = "could not start nginx in a temporary folder";
        Err(last.map_or(Error::new(message), |error| Error::because(message, error)))
    }

    fn at(program: &Path, addresses: &[SocketAddr], http: &str) -> io::Result<Running> {
        let folder = tempfile::Builder::new().prefix("nginx-").tempdir()?;
        let path = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {path}/{kind};\n"))
            .concat();
        let configuration = format!(
            "daemon off;\nmaster_process off;\nworker_processes 1;\npid {path}/pid;\n\
             error_log {path}/errors;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{http}}}\n"
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration)?;
        let keeper = Command::new("sh")
            .args(["-c", KEEPER])
            .arg(program)
            .arg("-c")
            .arg(&file)
            .arg("-p")
            .arg(folder.path())
            .arg("-e")
            .arg(folder.path().join("errors"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut running = Running { keeper, folder };
        let deadline = Instant::now() + START_LIMIT;
        while addresses.iter().any(|address| TcpStream::connect(address).is_err()) {
            let has_ended = running.keeper.try_wait()?.is_some();
            if has_ended || Instant::now() > deadline {
                let said = fs::read_to_string(running.folder.path().join("errors"));
                return Err(io::Error::other(said.unwrap_or_default()));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(running)
    }
}

/// Addresses that are free. All are held until all are known.
fn free<const N: usize>() -> io::Result<[SocketAddr; N]> {
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); N];
    let mut held = Vec::new();
    for address in &mut addresses {
        let listener = TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        held.push(listener);
    }
    Ok(addresses)
}

impl Drop for Running {
    fn drop(&mut self) {
        // The keeper's `read` ends with this pipe.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
