//! A cluster of three masters on this machine, for tests.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use crate::installed::{self, Installed};
use crate::{Error, Result};

/// How long the masters may take to agree.
const AGREEMENT_LIMIT: Duration = Duration::from_secs(300);

/// A third of the 16,384 slots for each.
const SLOTS: [&str; 3] = ["0 5460", "5461 10922", "10923 16383"];

/// Three installed redis servers that form a cluster. It goes on with the keys of the others when
/// one is lost. All end, and their folder is removed, when this value goes.
#[derive(Debug)]
pub struct RedisCluster {
    program: PathBuf,
    folder: PathBuf,
    nodes: Vec<Node>,
}

/// How often other ports are tried.
const TRIES: usize = 5;

/// One master. Its ports stay the same when it is stopped and started again.
#[derive(Debug)]
struct Node {
    address: SocketAddr,
    /// Where it listens to the other masters.
    bus: u16,
    server: Option<Installed>,
}

impl RedisCluster {
    /// Starts the three and waits until they agree. `None` if no redis is installed.
    pub fn start() -> Result<Option<RedisCluster>> {
        let Some(program) = installed::find_redis() else { return Ok(None) };
        // A port that was free when it was chosen may be another program's when its server starts.
        let mut started = RedisCluster::start_somewhere(&program);
        for _ in 1..TRIES {
            if started.is_ok() {
                break;
            }
            started = RedisCluster::start_somewhere(&program);
        }
        started.map(Some)
    }

    fn start_somewhere(program: &Path) -> Result<RedisCluster> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("redis-cluster-{}-{number}", process::id()));
        let failed =
            |error| Error::because("could not start three redis servers as a cluster", error);
        let mut cluster = RedisCluster { program: program.into(), folder, nodes: Vec::new() };
        fs::create_dir_all(&cluster.folder).map_err(failed)?;
        for _ in SLOTS {
            let [address, bus] = free_ports().map_err(failed)?;
            cluster.nodes.push(Node { address, bus: bus.port(), server: None });
        }
        for number in 0..SLOTS.len() {
            cluster.start_node(number)?;
        }
        cluster.join().map_err(failed)?;
        cluster.wait_until_they_agree().map_err(failed)?;
        Ok(cluster)
    }

    /// The addresses of the three.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.address).collect()
    }

    /// Their addresses as URLs, with `,` between them.
    #[must_use]
    pub fn url(&self) -> String {
        let urls = self.nodes.iter().map(|node| format!("redis://{}/", node.address));
        urls.collect::<Vec<_>>().join(",")
    }

    /// Ends one of the three, with all that it holds.
    pub fn stop(&mut self, number: usize) {
        self.nodes[number].server = None;
    }

    /// Starts it again, empty, on the same ports, and waits until all three agree.
    pub fn start_again(&mut self, number: usize) -> Result<()> {
        self.start_node(number)?;
        let failed = |error| Error::because("could not bring back a redis of a cluster", error);
        self.wait_until_they_agree().map_err(failed)
    }

    fn start_node(&mut self, number: usize) -> Result<()> {
        let node = &mut self.nodes[number];
        let options = [
            ("--cluster-enabled", "yes".to_owned()),
            ("--cluster-config-file", format!("nodes-{number}.conf")),
            ("--cluster-port", node.bus.to_string()),
            ("--cluster-node-timeout", "1000".to_owned()),
            ("--cluster-require-full-coverage", "no".to_owned()),
            ("--dir", self.folder.to_string_lossy().into_owned()),
        ];
        let options = options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
        node.server =
            Some(Installed::redis_on(&self.program, node.address, &options.collect::<Vec<_>>())?);
        Ok(())
    }

    fn join(&self) -> io::Result<()> {
        for (number, node) in self.nodes.iter().enumerate() {
            tell(node.address, &format!("CLUSTER ADDSLOTSRANGE {}", SLOTS[number]))?;
            tell(node.address, &format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1))?;
        }
        for node in &self.nodes[1..] {
            let port = node.address.port();
            tell(self.nodes[0].address, &format!("CLUSTER MEET 127.0.0.1 {port} {}", node.bus))?;
        }
        Ok(())
    }

    fn wait_until_they_agree(&self) -> io::Result<()> {
        let deadline = Instant::now() + AGREEMENT_LIMIT;
        let signs = ["cluster_state:ok", "cluster_slots_ok:16384", "cluster_size:3"];
        for node in &self.nodes {
            loop {
                let state = tell(node.address, "CLUSTER INFO")?;
                if signs.iter().all(|sign| state.contains(sign)) {
                    break;
                }
                if Instant::now() > deadline {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, state));
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }
}

impl Drop for RedisCluster {
    fn drop(&mut self) {
        self.nodes.clear();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Two, bound at once so that they differ.
fn free_ports() -> io::Result<[SocketAddr; 2]> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners = [bind()?, bind()?];
    Ok([listeners[0].local_addr()?, listeners[1].local_addr()?])
}

/// Says one command and returns the answer, which is not a refusal.
pub(super) fn tell(address: SocketAddr, command: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(AGREEMENT_LIMIT))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.strip_prefix('-') {
        Some(refusal) => Err(io::Error::other(format!("{command}: {refusal}"))),
        None => Ok(answer),
    }
}
