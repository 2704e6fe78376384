//! A PostgreSQL for tests and benchmarks, where it is installed. There is no stand-in.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{io, thread};

use tempfile::TempDir;

use crate::installed::find;
use crate::{Error, Result};

/// How long it may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(300);

/// Where Debian has its programs, a folder a version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// As for the other servers. `INT` ends it without waiting for its clients, and is said again, since
/// one that comes while it starts is lost.
const KEEPER: &str = r#"
trap '' INT TERM HUP
exec 3<&0
"$0" "$@" >/dev/null 2>&1 3<&- &
server=$!
(read -r _ <&3; while kill -INT $server; do sleep 0.1; done) 2>/dev/null &
wait $server
kill -KILL $! 2>/dev/null
"#;

/// A running server with an empty database; ended, and its folder removed, when this value goes.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    address: SocketAddr,
    keeper: Option<Child>,
    folder: TempDir,
}

impl Postgres {
    /// Starts one in a temporary folder, on a free port of the loopback interface; `None` if it is
    /// not installed, which is an error where servers are [required](crate::required).
    pub fn for_tests() -> Result<Option<Postgres>> {
        match programs() {
            Some(programs) => Postgres::start(programs).map(Some).map_err(|error| {
                Error::because("could not start PostgreSQL in a temporary folder", error)
            }),
            None if crate::required() => Err(Error::new(
                "PostgreSQL is required and not installed; Debian has it in the package postgresql",
            )),
            None => Ok(None),
        }
    }

    /// The same over TLS alone, with these files: the server's certificate, its key, and the authority
    /// whose certificates clients must have.
    pub fn over_tls(files: [&Path; 3]) -> Result<Option<Postgres>> {
        let Some(mut server) = Postgres::for_tests()? else { return Ok(None) };
        server.stop();
        let prepared = server.prepare_tls(files).and_then(|()| server.run());
        let failed = |error| Error::because("could not start PostgreSQL with TLS", error);
        prepared.map(|()| Some(server)).map_err(failed)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address, as programs take it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://beaker@{}/postgres", self.address)
    }

    /// Stops it; the data stays.
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            // The keeper's `read` ends with this pipe.
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }

    /// Starts it again where it was, and waits until it answers.
    pub fn start_again(&mut self) -> Result<()> {
        self.run().map_err(|error| Error::because("could not start PostgreSQL again", error))
    }

    fn start(programs: PathBuf) -> io::Result<Postgres> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir()?;
        if is_root()? {
            done(Command::new("chown").arg("nobody").arg(folder.path()).output()?)?;
        }
        let mut server = Postgres { programs, address, keeper: None, folder };
        let mut create = server.command("initdb")?;
        create.args(["-U", "beaker", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "-D"]);
        done(create.arg(server.data()).output()?)?;
        server.run()?;
        Ok(server)
    }

    fn run(&mut self) -> io::Result<()> {
        let server = self.command("postgres")?;
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER]).arg(server.get_program()).args(server.get_args());
        keeper.arg("-D").arg(self.data()).args(["-p", &self.address.port().to_string()]);
        // The data goes with the folder, so nothing has to reach the disk.
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"] {
            keeper.args(["-c", setting]);
        }
        keeper.current_dir(self.folder.path()).stdin(Stdio::piped()).stdout(Stdio::null());
        self.keeper = Some(keeper.spawn()?);
        let deadline = Instant::now() + START_LIMIT;
        while !self.answers()? {
            let ended = self.keeper.as_mut().is_none_or(|it| !matches!(it.try_wait(), Ok(None)));
            if ended || Instant::now() > deadline {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Files with a key must be the server's own.
    fn prepare_tls(&self, files: [&Path; 3]) -> io::Result<()> {
        let data = self.data();
        let names = ["server.crt", "server.key", "clients.crt"];
        for (file, name) in files.into_iter().zip(names) {
            fs::copy(file, data.join(name))?;
            done(Command::new("chmod").arg("600").arg(data.join(name)).output()?)?;
            done(
                Command::new("chown")
                    .arg("--reference")
                    .args([&data, &data.join(name)])
                    .output()?,
            )?;
        }
        let settings = "ssl = on\nssl_ca_file = 'clients.crt'\n";
        fs::write(data.join("postgresql.auto.conf"), settings)?;
        let clients = "hostssl all all 127.0.0.1/32 trust clientcert=verify-ca\n";
        fs::write(data.join("pg_hba.conf"), clients)
    }

    fn answers(&self) -> io::Result<bool> {
        let port = self.address.port().to_string();
        let mut ask = Command::new(self.programs.join("pg_isready"));
        let asked = ask.args(["-q", "-h", "127.0.0.1", "-p", &port]).status()?;
        Ok(asked.success())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The server refuses to be run by root.
    fn command(&self, program: &str) -> io::Result<Command> {
        let program = self.programs.join(program);
        let mut command = Command::new(if is_root()? { "setpriv".as_ref() } else { &*program });
        if is_root()? {
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]);
            command.arg(program);
        }
        command.current_dir(self.folder.path());
        Ok(command)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The folder of its programs: on `PATH`, or Debian's newest.
fn programs() -> Option<PathBuf> {
    if let Some(program) = find("initdb") {
        // A link may stand there alone, and the other programs beside what it leads to.
        return fs::canonicalize(program).ok()?.parent().map(Path::to_owned);
    }
    let versions = fs::read_dir(DEBIAN).ok()?.filter_map(|entry| {
        let folder = entry.ok()?.path();
        let version: f64 = folder.file_name()?.to_str()?.parse().ok()?;
        Some((version, folder.join("bin")))
    });
    let newest = versions.max_by(|one, other| one.0.total_cmp(&other.0))?.1;
    newest.join("initdb").is_file().then_some(newest)
}

fn is_root() -> io::Result<bool> {
    Ok(Command::new("id").arg("-u").output()?.stdout.trim_ascii() == b"0")
}

fn done(output: Output) -> io::Result<()> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(io::Error::other(said)) }
}
