//! The shop as its last page deploys it: two processes behind nginx with TLS, sessions in redis, the rest in
//! PostgreSQL. Servers fail, processes are killed, keys are replaced, and no visitor loses a basket.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use programs::{Build, Catalog, Workspace};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use servers::installed::{Installed, find_redis};
use servers::{Nginx, Postgres};

/// No step takes so long, unless it fails.
const AT_MOST: Duration = Duration::from_secs(120);

const VISITORS: usize = 8;

const OLD_KEY: &str = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";
const NEW_KEY: &str = "0ddba11c0ddba11c0ddba11c0ddba11c";

/// A redis that writes each change to disk before it answers.
struct DurableRedis {
    program: PathBuf,
    folder: tempfile::TempDir,
    address: SocketAddr,
    running: Option<Installed>,
}

impl DurableRedis {
    fn start() -> DurableRedis {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut redis = DurableRedis {
            program: find_redis().expect("redis is installed"),
            folder: tempfile::tempdir().unwrap(),
            address: free,
            running: None,
        };
        redis.start_again();
        redis
    }

    fn start_again(&mut self) {
        let folder = self.folder.path().to_str().unwrap();
        let options = ["--appendonly", "yes", "--appendfsync", "always", "--dir", folder];
        let options = options.map(str::to_owned);
        self.running = Some(Installed::redis_on(&self.program, self.address, &options).unwrap());
    }

    fn stop(&mut self) {
        self.running = None;
    }
}

/// One process of the shop, always on the same port.
struct Process {
    executable: PathBuf,
    port: u16,
    environment: Vec<(&'static str, String)>,
    running: Option<Child>,
}

impl Process {
    fn start(&mut self) {
        let mut command = Command::new(&self.executable);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut child =
            command.env("PORT", self.port.to_string()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("Serving at "), "{line}");
        self.running = Some(child);
    }

    /// As if the host had lost its power.
    fn kill(&mut self) {
        let mut child = self.running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// As a deployment asks it to.
    fn stop(&mut self) {
        let mut child = self.running.take().unwrap();
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(child.wait().unwrap().success(), "it ends well");
    }

    fn sign_with(&mut self, keys: &str) {
        self.environment.retain(|(name, _)| *name != "BEAKER_SESSION__SECRET");
        self.environment.push(("BEAKER_SESSION__SECRET", keys.to_owned()));
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// All that runs.
struct Site {
    processes: [Process; 2],
    redis: DurableRedis,
    nginx: Nginx,
    tls: Arc<ClientConfig>,
    _postgres: Postgres,
    _folder: tempfile::TempDir,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

impl Site {
    fn start() -> Site {
        let workspace = Workspace::at(root());
        let catalog = Catalog::read(&workspace).unwrap();
        let program = catalog.find(23).unwrap();
        let built = Build::default().quiet(true).build(&workspace, &[program]).unwrap();
        let executable = built.executable(program).unwrap();
        let redis = DurableRedis::start();
        let postgres = Postgres::for_tests().unwrap().expect("it is installed");
        let processes = [0, 1].map(|_| {
            // Held until the process has it, but for a moment.
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let url = format!("redis://{}/", redis.address);
            let settings = root().join("examples/23_shop/production.toml");
            let environment = vec![
                ("SHOP_SETTINGS", settings.to_str().unwrap().to_owned()),
                ("SHOP_DATABASE", postgres.url()),
                ("SHOP_ACCOUNTS", "anna:tea for two:customer,boris:price of tea:admin".to_owned()),
                ("SHOP_REDIS", url.clone()),
                ("BEAKER_SESSION__URL", url.clone()),
                ("BEAKER_CACHE__CATALOGUE__URL", url),
            ];
            let mut process = Process {
                executable: executable.into(),
                port: free.port(),
                environment,
                running: None,
            };
            process.sign_with(OLD_KEY);
            process.start();
            process
        });
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let [certificate, key] = ["shop.crt", "shop.key"].map(|name| folder.path().join(name));
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let lines =
            fs::read_to_string(root().join("examples/23_shop/nginx-location.conf")).unwrap();
        let addresses = [processes[0].address(), processes[1].address()];
        let nginx = Nginx::before(&addresses, [&certificate, &key], &lines).unwrap();
        let tls = trusting(made.cert.der());
        Site { processes, redis, nginx, tls, _postgres: postgres, _folder: folder }
    }

    /// Whether a process says that it is well.
    fn health(&self, number: usize) -> u16 {
        let stream = TcpStream::connect(self.processes[number].address()).unwrap();
        exchange(stream, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .status
    }

    fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < AT_MOST, "{what}");
        }
    }
}

fn trusting(certificate: &CertificateDer<'_>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone().into_owned()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(config.unwrap().with_root_certificates(roots).with_no_client_auth())
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

fn exchange(mut stream: impl Read + Write, request: &str) -> Answer {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    // nginx may close without the end that TLS has.
    let _ = BufReader::new(stream).read_to_string(&mut answer);
    let (head, body) =
        answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("an answer: {answer}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_ascii_lowercase(), value.to_owned())
    };
    Answer { status, headers: lines.map(header).collect(), body: body.to_owned() }
}

/// A visitor with a browser, whose cookies go over TLS alone.
#[derive(Default)]
struct Visitor {
    cookies: BTreeMap<String, String>,
    token: String,
}

impl Visitor {
    fn ask(&mut self, site: &Site, method: &str, path: &str, body: &str) -> Answer {
        let client = ClientConnection::new(Arc::clone(&site.tls), "localhost".try_into().unwrap());
        let stream = TcpStream::connect(site.nginx.tls()).unwrap();
        stream.set_read_timeout(Some(AT_MOST)).unwrap();
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            cookies.join("; "),
            body.len()
        );
        let answer = exchange(StreamOwned::new(client.unwrap(), stream), &request);
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            assert!(cookie.contains("; Secure"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let token = answer.body.split(r#"name="csrf_token" value=""#).nth(1);
        if let Some(token) = token.and_then(|rest| rest.split('"').next()) {
            self.token = token.to_owned();
        }
        answer
    }

    fn get(&mut self, site: &Site, path: &str) -> Answer {
        self.ask(site, "GET", path, "")
    }

    fn post(&mut self, site: &Site, path: &str, fields: &str) -> Answer {
        let body = format!("csrf_token={}&{fields}", self.token);
        self.ask(site, "POST", path, &body)
    }

    /// One more of the first article.
    fn choose(&mut self, site: &Site) {
        assert_eq!(self.post(site, "/basket", "article=1").status, 303);
    }

    #[track_caller]
    fn has_chosen(&mut self, site: &Site, count: usize) {
        let basket = self.get(site, "/basket");
        assert_eq!(basket.status, 200, "{}", basket.body);
        let line = format!("<td>Green tea</td><td>{count}</td>");
        assert!(basket.body.contains(&line), "not {count} in {}", basket.body);
    }
}

#[servers::needs(redis)]
#[servers::needs(postgresql)]
#[servers::needs(nginx)]
#[test]
fn no_visitor_loses_a_basket() {
    let mut site = Site::start();
    let mut visitors: Vec<Visitor> = (0..VISITORS).map(|_| Visitor::default()).collect();
    let mut chosen = 0;
    // The first one is a customer who is remembered; the others are guests.
    for (number, visitor) in visitors.iter_mut().enumerate() {
        assert_eq!(visitor.get(&site, "/login").status, 200);
        if number == 0 {
            let name = "name=anna&password=tea+for+two&remember=yes";
            assert_eq!(visitor.post(&site, "/login", name).status, 303);
            visitor.get(&site, "/");
        }
    }
    let mut round = |site: &Site, visitors: &mut Vec<Visitor>| {
        chosen += 1;
        for visitor in visitors {
            visitor.choose(site);
            visitor.has_chosen(site, chosen);
        }
    };
    round(&site, &mut visitors);

    // redis is gone: pages fail soon, and each process says so. Then it is back, and so are all baskets.
    site.redis.stop();
    assert_eq!(site.health(0), 503);
    let begun = Instant::now();
    assert_eq!(visitors[1].get(&site, "/basket").status, 503);
    assert!(begun.elapsed() < AT_MOST);
    site.redis.start_again();
    site.wait_until("they find redis again", || site.health(0) == 200 && site.health(1) == 200);
    round(&site, &mut visitors);

    // A process is killed: nginx sends everybody to the other one.
    site.processes[0].kill();
    round(&site, &mut visitors);
    site.processes[0].start();
    round(&site, &mut visitors);

    // The key is replaced, one process after the other, in two steps: sign with the new one when all know it.
    for keys in [format!("{OLD_KEY},{NEW_KEY}"), format!("{NEW_KEY},{OLD_KEY}")] {
        for number in 0..2 {
            site.processes[number].stop();
            site.processes[number].sign_with(&keys);
            site.processes[number].start();
            round(&site, &mut visitors);
        }
    }
    round(&site, &mut visitors);
    for number in 0..2 {
        site.processes[number].stop();
        site.processes[number].sign_with(NEW_KEY);
        site.processes[number].start();
    }
    site.wait_until("both are well", || site.health(0) == 200 && site.health(1) == 200);
    round(&site, &mut visitors);

    // A new price is seen in both processes, and so is the end of all sessions of a customer.
    let mut boris = Visitor::default();
    boris.get(&site, "/login");
    boris.post(&site, "/login", "name=boris&password=price+of+tea");
    assert_eq!(boris.get(&site, "/prices").status, 200);
    assert_eq!(boris.post(&site, "/prices", "article=1&cents=510").status, 303);
    site.wait_until("both know the price", || {
        (0..10).all(|_| Visitor::default().get(&site, "/").body.contains("5.10 €"))
    });
    let mut phone = Visitor::default();
    phone.get(&site, "/login");
    phone.post(&site, "/login", "name=anna&password=tea+for+two");
    assert_eq!(phone.get(&site, "/account").status, 200);
    assert_eq!(phone.post(&site, "/logout-everywhere", "").status, 303);
    for _ in 0..4 {
        assert_eq!(visitors[0].get(&site, "/account").status, 303, "to the log-in");
    }
}
