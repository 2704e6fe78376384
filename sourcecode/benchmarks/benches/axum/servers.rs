//! The servers that are measured: the same page, with sessions from nowhere, from us and from
//! tower-sessions. Each runs in a process of its own, which is this program started again.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::routing::get;
use beaker::middleware::{RequestSession, SessionLayer};
use beaker::{Backend, CookieOptions, Result, Sessions, Signer, Value};
use tokio::net::TcpListener;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

/// All of them, the bare one first.
pub const NAMES: [&str; 3] = ["bare", "beaker", "tower-sessions"];

const SERVES: &str = "AXUM_BENCHMARK_SERVES";

/// How many requests the page has answered, be they counted in a session or not.
static ANSWERED: AtomicU64 = AtomicU64::new(0);

/// A server in a process of its own, which is ended with this.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    pub fn start(name: &str) -> Server {
        let mut command = Command::new(env::current_exe().expect("this program has a file"));
        command.env(SERVES, name).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this program can be started again");
        let mut url = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut url).expect("it prints its address");
        Server { child, url: url.trim().to_owned() }
    }

    /// The processor time that it has used, in seconds.
    pub fn processor_time(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after_name = stat.rsplit(')').next().unwrap();
        let ticks = after_name.split_whitespace().skip(11).take(2);
        ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves, if this process was started for that.
pub fn serve_if_asked() {
    let Ok(name) = env::var(SERVES) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        axum::serve(listener, app(&name)).await.unwrap();
    });
}

fn app(name: &str) -> Router {
    match name {
        "bare" => Router::new().route("/", get(does_not_count)),
        "beaker" => {
            let sessions = Sessions::new(Backend::memory())
                .signed_by(Signer::random().unwrap())
                .cookie(CookieOptions::default().insecure_for_localhost());
            Router::new()
                .route("/", get(counts))
                .route("/sum", get(sum))
                .layer(SessionLayer::new(sessions).unwrap())
        }
        _ => Router::new()
            .route("/", get(counts_in_theirs))
            .route("/sum", get(their_sum))
            .layer(SessionManagerLayer::new(MemoryStore::default()).with_secure(false)),
    }
}

async fn does_not_count() -> String {
    let counter = ANSWERED.fetch_add(1, Ordering::Relaxed) + 1;
    format!("Counter value is: {counter}")
}

fn one_more(old: Option<&Value>) -> i64 {
    old.and_then(Value::as_int).unwrap_or(0) + 1
}

async fn counts(mut session: RequestSession) -> Result<String> {
    ANSWERED.fetch_add(1, Ordering::Relaxed);
    let counter = session.update("counter", one_more);
    session.save()?;
    Ok(format!("Counter value is: {counter:?}"))
}

async fn counts_in_theirs(session: Session) -> String {
    ANSWERED.fetch_add(1, Ordering::Relaxed);
    let counter = session.get("counter").await.unwrap().unwrap_or(0_i64) + 1;
    session.insert("counter", counter).await.unwrap();
    format!("Counter value is: {counter}")
}

/// What the session has counted, and what was to be counted.
async fn sum(session: RequestSession) -> String {
    let counted = session.get("counter").and_then(Value::as_int).unwrap_or(0);
    format!("{counted} {}", ANSWERED.load(Ordering::Relaxed))
}

async fn their_sum(session: Session) -> String {
    let counted: i64 = session.get("counter").await.unwrap().unwrap_or(0);
    format!("{counted} {}", ANSWERED.load(Ordering::Relaxed))
}
