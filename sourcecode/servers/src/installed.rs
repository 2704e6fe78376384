//! A server that is installed on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, io};

use crate::{Error, Result};

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(5);

/// How often a server is tried, should another process take the port that was free.
const ATTEMPTS: usize = 3;

/// Starts the server, says its process id, and ends it as soon as nobody holds the other end of the
/// standard input, which is so even if this process was killed. The keeper ends with the server. It
/// could be killed itself; then the server stays.
const KEEPER: &str = r#"
trap '' INT TERM HUP
exec 3<&0
"$0" "$@" >/dev/null 3<&- &
server=$!
echo $server
(read -r _ <&3; kill $server) &
wait $server
kill -KILL $!
"#;

/// A running server, ended when this value goes.
#[derive(Debug)]
pub struct Installed {
    keeper: Child,
    address: SocketAddr,
}

impl Installed {
    /// Starts a memcached on a free port of the loopback interface and waits until it answers.
    pub fn memcached(program: &Path) -> Result<Installed> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match Installed::try_memcached(program) {
                Ok(server) => return Ok(server),
                Err(error) => last = Some(error),
            }
        }
        let message = format!(
            "could not start {} within {} s; name a running one in MEMCACHED_URL",
            program.display(),
            START_LIMIT.as_secs()
        );
        Err(last.map_or(Error::new(&message), |error| Error::because(&message, error)))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn try_memcached(program: &Path) -> io::Result<Installed> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let port = address.port().to_string();
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER])
            .arg(program)
            // The user counts only when root starts it, and then memcached insists on one.
            .args(["-l", "127.0.0.1", "-p", &port, "-U", "0", "-u", "nobody"])
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
        server.wait_until_it_answers(process.trim())?;
        Ok(server)
    }

    fn wait_until_it_answers(&mut self, process: &str) -> io::Result<()> {
        let deadline = Instant::now() + START_LIMIT / ATTEMPTS as u32;
        loop {
            match self.process_behind_the_port() {
                Ok(found) if found == process => return Ok(()),
                // The port was free a moment ago, and now it is another server's.
                Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(error) if self.keeper.try_wait()?.is_some() => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn process_behind_the_port(&self) -> io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, START_LIMIT)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"stats\r\nquit\r\n")?;
        let mut answer = String::new();
        stream.take(64 * 1024).read_to_string(&mut answer)?;
        let process = answer.lines().find_map(|line| line.strip_prefix("STAT pid "));
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

/// The program of this name on `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
