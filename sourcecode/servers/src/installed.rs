//! A server that is installed on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, io};

use crate::{Error, Result};

/// How long a server may take until it answers, on a machine that is busy. One that ends instead is not
/// waited for.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How often a server is tried, should another process take the port that was free.
const ATTEMPTS: usize = 3;

/// Starts the server, says its process id, and ends it as soon as nobody holds the other end of the
/// standard input, which is so even if this process was killed. The keeper ends with the server. It
/// could be killed itself; then the server stays. It is not asked to end: there is nothing that it should
/// keep, and memcached would take a second for it.
const KEEPER: &str = r#"
trap '' INT TERM HUP
exec 3<&0
"$0" "$@" >/dev/null 3<&- &
server=$!
echo $server
(read -r _ <&3; kill -KILL $server) &
wait $server
kill -KILL $!
"#;

/// What differs between the servers that can be installed.
struct Kind {
    /// Whether the first of the other options is a file of settings, which it asks for before all else.
    has_settings: bool,
    /// What makes it listen, before the number of the port.
    options: &'static [&'static str],
    /// What it is asked for its process id, and what stands before that in the answer.
    question: &'static [u8],
    before_process: &'static str,
    /// Names a running one.
    variable: &'static str,
}

const MEMCACHED: Kind = Kind {
    has_settings: false,
    // The user counts only when root starts it, and then memcached insists on one.
    options: &["-l", "127.0.0.1", "-U", "0", "-u", "nobody", "-p"],
    question: b"stats\r\nquit\r\n",
    before_process: "STAT pid ",
    variable: "MEMCACHED_URL",
};

const REDIS: Kind = Kind {
    has_settings: false,
    options: &["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"],
    question: b"INFO server\r\n",
    before_process: "process_id:",
    variable: "REDIS_URL",
};

const SENTINEL: Kind =
    Kind { has_settings: true, options: &["--sentinel", "--bind", "127.0.0.1", "--port"], ..REDIS };

/// A running server, ended when this value goes.
#[derive(Debug)]
pub struct Installed {
    keeper: Child,
    address: SocketAddr,
}

impl Installed {
    /// Starts a memcached on a free port of the loopback interface and waits until it answers.
    pub fn memcached(program: &Path) -> Result<Installed> {
        Installed::start(program, &MEMCACHED, None, &[])
    }

    /// The same, at this address.
    pub(crate) fn memcached_on(program: &Path, address: SocketAddr) -> Result<Installed> {
        Installed::start(program, &MEMCACHED, Some(address), &[])
    }

    /// Starts a redis that writes nothing to disk, as [`memcached`](Self::memcached) does.
    pub fn redis(program: &Path) -> Result<Installed> {
        Installed::start(program, &REDIS, None, &[])
    }

    /// The same, with more options.
    pub fn redis_with(program: &Path, options: &[String]) -> Result<Installed> {
        Installed::start(program, &REDIS, None, options)
    }

    /// Starts a redis at this address, with more options.
    pub fn redis_on(program: &Path, address: SocketAddr, options: &[String]) -> Result<Installed> {
        Installed::start(program, &REDIS, Some(address), options)
    }

    /// Starts a sentinel of redis with these settings, a file that it writes to.
    pub(crate) fn sentinel(program: &Path, settings: &Path) -> Result<Installed> {
        let settings = [settings.to_string_lossy().into_owned()];
        Installed::start(program, &SENTINEL, None, &settings)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn start(
        program: &Path,
        kind: &Kind,
        address: Option<SocketAddr>,
        options: &[String],
    ) -> Result<Installed> {
        let mut last = None;
        let begun = Instant::now();
        for _ in 0..ATTEMPTS {
            // One that is there and does not answer would not do so in another place.
            if begun.elapsed() > START_LIMIT {
                break;
            }
            match Installed::try_start(program, kind, address, options) {
                Ok(server) => return Ok(server),
                Err(error) => last = Some(error),
            }
        }
        let message = format!(
            "could not start {} within {} s; name a running one in {}",
            program.display(),
            START_LIMIT.as_secs(),
            kind.variable
        );
        Err(last.map_or(Error::new(&message), |error| Error::because(&message, error)))
    }

    fn try_start(
        program: &Path,
        kind: &Kind,
        address: Option<SocketAddr>,
        options: &[String],
    ) -> io::Result<Installed> {
        let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr();
        let address = address.map_or_else(free, Ok)?;
        let (settings, options) = options.split_at(usize::from(kind.has_settings));
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER])
            .arg(program)
            .args(settings)
            .args(kind.options)
            .arg(address.port().to_string())
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = keeper.stdout.take();
        let mut server = Installed { keeper, address };
        let mut process = String::new();
        if let Some(stdout) = stdout {
            BufReader::new(stdout).read_line(&mut process)?;
        }
        server.wait_until_it_answers(kind, process.trim())?;
        Ok(server)
    }

    fn wait_until_it_answers(&mut self, kind: &Kind, process: &str) -> io::Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            match self.process_behind_the_port(kind) {
                Ok(found) if found == process => return Ok(()),
                // The port was free a moment ago, and now it is another server's.
                Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(error) if self.keeper.try_wait()?.is_some() => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn process_behind_the_port(&self, kind: &Kind) -> io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, START_LIMIT)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(kind.question)?;
        // A sentinel has no command to quit. What is asked is answered before the end is seen.
        stream.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        stream.take(64 * 1024).read_to_string(&mut answer)?;
        let process = answer.lines().find_map(|line| line.strip_prefix(kind.before_process));
        process.map(str::to_owned).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        // The keeper's `read` ends with this pipe; the keeper then ends the server and waits for it.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Names the program to start as redis, on `PATH`, such as `valkey-server`. Default: `redis-server`.
pub const REDIS_PROGRAM: &str = "BEAKER_REDIS_PROGRAM";

/// The redis on `PATH`, or what [`REDIS_PROGRAM`] names in its place.
#[must_use]
pub fn find_redis() -> Option<PathBuf> {
    let named = env::var(REDIS_PROGRAM).ok().filter(|named| !named.is_empty());
    find(named.as_deref().unwrap_or("redis-server"))
}

/// The program of this name on `PATH`.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
