//! A master, its replica and a sentinel on this machine, for tests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

use super::cluster::tell;
use crate::installed::{self, Installed};
use crate::{Error, Result};

/// How long the three may take to agree.
const AGREEMENT_LIMIT: Duration = Duration::from_secs(120);

/// Two installed redis servers, one of which copies the other, and a sentinel that makes the copy the master
/// when that is lost, or when it is asked to. All end when this value goes.
#[derive(Debug)]
pub struct RedisSentinel {
    folder: PathBuf,
    servers: Vec<Option<Installed>>,
    sentinel: Option<Installed>,
}

impl RedisSentinel {
    /// The name that the sentinel knows the master by.
    pub const MASTER: &str = "shop";

    /// Starts the three and waits until they know of each other. `None` if no redis is installed.
    pub fn start() -> Result<Option<RedisSentinel>> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let Some(program) = installed::find_redis() else { return Ok(None) };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("redis-sentinel-{}-{number}", process::id()));
        let mut three = RedisSentinel { folder, servers: Vec::new(), sentinel: None };
        let failed = |error| Error::because("could not start a redis with a sentinel", error);
        fs::create_dir_all(&three.folder).map_err(failed)?;
        // What a replica is given by its master at the begin goes through a file there.
        let folder = ["--dir".to_owned(), three.folder.to_string_lossy().into_owned()];
        let master = Installed::redis_with(&program, &folder)?;
        let (host, port) = (master.address().ip(), master.address().port());
        let copies = ["--replicaof".to_owned(), format!("{host} {port}")];
        // At once, and not after five seconds in which others could ask.
        let at_once = ["--repl-diskless-sync-delay".to_owned(), "0".to_owned()];
        let options = [&folder[..], &copies[..], &at_once[..]].concat();
        let replica = Installed::redis_with(&program, &options)?;
        three.servers = vec![Some(master), Some(replica)];
        let (settings, name) = (three.folder.join("sentinel.conf"), RedisSentinel::MASTER);
        let text = format!(
            "dir {}\nsentinel monitor {name} {host} {port} 1\n\
             sentinel down-after-milliseconds {name} 300\nsentinel failover-timeout {name} 3000\n",
            three.folder.display(),
        );
        fs::write(&settings, text).map_err(failed)?;
        three.sentinel = Some(Installed::sentinel(&program, &settings)?);
        three.wait_for("its replica", |info| info.contains("slaves=1")).map_err(failed)?;
        let synced = || three.tell_server(1, "INFO replication");
        three.wait(|| Ok(synced()?.contains("master_link_status:up"))).map_err(failed)?;
        Ok(Some(three))
    }

    /// The address of the sentinel.
    ///
    /// # Panics
    ///
    /// If it has been stopped.
    #[must_use]
    pub fn sentinel(&self) -> SocketAddr {
        self.sentinel.as_ref().expect("the sentinel is there").address()
    }

    /// The number of the server that is the master, as the sentinel says: 0 or 1.
    ///
    /// # Panics
    ///
    /// If it names neither.
    pub fn master(&self) -> Result<usize> {
        let asked = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {}", RedisSentinel::MASTER);
        let answer = tell(self.sentinel(), &asked);
        let answer = answer.map_err(|error| Error::because("could not ask the sentinel", error))?;
        let is_named = |server: &Option<Installed>| {
            let port = server.as_ref().map(|it| format!("\r\n{}\r\n", it.address().port()));
            port.is_some_and(|port| answer.contains(&port))
        };
        Ok(self.servers.iter().position(is_named).expect("the sentinel names one of the two"))
    }

    /// The address of one of the two servers.
    ///
    /// # Panics
    ///
    /// If it has been stopped.
    #[must_use]
    pub fn address(&self, number: usize) -> SocketAddr {
        self.servers[number].as_ref().expect("the server is there").address()
    }

    /// Ends the master and waits until the sentinel has made the other one the master.
    pub fn lose_master(&mut self) -> Result<()> {
        let master = self.master()?;
        self.wait_for_copies(master)?;
        self.servers[master] = None;
        let promoted = || self.tell_server(1 - master, "ROLE");
        self.wait(|| Ok(promoted()?.contains("master")))
            .and_then(|()| self.wait_until_named(1 - master))
            .map_err(|error| Error::because("the sentinel made no other server the master", error))
    }

    /// Makes the replica the master, and the master its replica, and waits until both are.
    pub fn fail_over(&self) -> Result<()> {
        let master = self.master()?;
        self.wait_for_copies(master)?;
        let asked = format!("SENTINEL FAILOVER {}", RedisSentinel::MASTER);
        // Not while it has just seen the two exchanged.
        self.wait(|| tell(self.sentinel(), &asked).map(|_| true))
            .and_then(|()| self.wait_until_named(1 - master))
            .and_then(|()| self.wait(|| Ok(self.tell_server(master, "ROLE")?.contains("slave"))))
            .map_err(|error| Error::because("the sentinel did not exchange the two", error))
    }

    /// Ends the sentinel.
    pub fn stop_sentinel(&mut self) {
        self.sentinel = None;
    }

    /// What has been written is on both servers.
    fn wait_for_copies(&self, master: usize) -> Result<()> {
        let failed = |error| Error::because("the replica does not follow its master", error);
        let offset = |number: usize, name: &str| -> io::Result<Option<String>> {
            let info = self.tell_server(number, "INFO replication")?;
            Ok(info.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned)))
        };
        let are_equal = || {
            let sent = offset(master, "master_repl_offset:")?;
            Ok(sent.is_some() && sent == offset(1 - master, "slave_repl_offset:")?)
        };
        self.wait(are_equal).map_err(failed)
    }

    fn wait_until_named(&self, number: usize) -> io::Result<()> {
        let port = format!(":{},", self.address(number).port());
        self.wait_for("another master", |info| info.contains(&port) && info.contains("status=ok"))
    }

    /// Waits for what the sentinel is to say.
    fn wait_for(&self, what: &str, is_said: impl Fn(&str) -> bool) -> io::Result<()> {
        let said = || tell(self.sentinel(), "INFO sentinel");
        self.wait(|| Ok(is_said(&said()?))).map_err(|error| {
            io::Error::new(error.kind(), format!("{what} is not known to it: {error}"))
        })
    }

    fn wait(&self, is_so: impl Fn() -> io::Result<bool>) -> io::Result<()> {
        let deadline = Instant::now() + AGREEMENT_LIMIT;
        loop {
            match is_so() {
                Ok(true) => return Ok(()),
                // One whose role changes closes its connections.
                Ok(false) | Err(_) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(20));
                }
                Ok(false) => return Err(io::ErrorKind::TimedOut.into()),
                Err(error) => return Err(error),
            }
        }
    }

    fn tell_server(&self, number: usize, command: &str) -> io::Result<String> {
        tell(self.address(number), command)
    }
}

impl Drop for RedisSentinel {
    fn drop(&mut self) {
        self.sentinel = None;
        self.servers.clear();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
