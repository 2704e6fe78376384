//! The book on this machine: built, served, and built again when something in it changes.
//!
//! What a request passes, from the outside: [`policy`] gives the answer its headers, [`host`] lets in names
//! of this machine, [`enter`] exchanges the key of the address, and [`app`] has the routes.

mod app;
mod enter;
mod host;
mod keys;
mod live;
mod policy;
mod port;
mod run;
#[cfg(test)]
mod tests;
mod watch;

use std::future::Future;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use programs::Workspace;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch as channel;

use self::keys::Keys;
use self::live::State;
use self::run::{Shared, clear_left_drafts};
use super::build::build_and_name;
use super::edition::EDITIONS;

/// How long open answers may take to finish after Ctrl-C, and programs to end after that.
const PATIENCE: Duration = Duration::from_secs(2);

/// Builds the book below the workspace `root` and serves it on 127.0.0.1 until Ctrl-C, `SIGTERM` or the
/// end of its terminal.
///
/// Without a `port` it is 3000, or the next one that is free. A program that runs in a page may take as
/// long as `limit`.
///
/// # Errors
///
/// A page with a mistake; a port that is taken although it was asked for.
pub fn serve(root: &Path, port: Option<u16>, limit: Duration) -> Result<()> {
    let listener = port::bind(port)?;
    let workspace = Workspace::at(root);
    clear_left_drafts(&workspace)?;
    let name = build_and_name(root)?;
    let address = listener.local_addr().context("could not ask for the address")?;
    let keys = Keys::open(root, address.port())?;
    let query = keys.query();
    let mut text = String::new();
    for edition in &EDITIONS {
        text += &format!("{:>8}: http://{address}/{}/{query}\n", edition.name, edition.code);
    }
    text += "The address is for you alone: its key lets a browser run programs here.\nPages are built again when you save a file. Ctrl-C stops the server.\n";
    // Nobody needs to read it: the server goes on when the output is closed.
    let _ = io::stdout().write_all(text.as_bytes());
    run(Shared::new(workspace, limit), keys, listener, name, told_to_stop())
}

/// Ready at the first signal that asks for the end.
async fn told_to_stop() {
    let all = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = all else {
        // Without signals there is nothing to wait for: serve until killed.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// Serves until `stop` is ready.
fn run(
    shared: Shared,
    keys: Keys,
    listener: TcpListener,
    build: String,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let root = shared.workspace.root();
    let first = State { build, scripts: policy::scripts(root), failure: None };
    let (state, states) = channel::channel(first);
    let _watcher = watch::start(root, state)?;
    let jobs = shared.jobs.clone();
    let (stopped, wait) = channel::channel(false);
    let shared = shared.until(wait.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the server")?;
    runtime.block_on(async {
        listener.set_nonblocking(true).context("could not set up the port")?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let app = app::router(shared, Arc::new(keys), states, wait.clone());
        let mut until = wait.clone();
        let server = axum::serve(listener, app).with_graceful_shutdown(async move {
            let _ = until.wait_for(|stopped| *stopped).await;
        });
        let timer = async {
            stop.await;
            let _ = stopped.send(true);
            tokio::time::sleep(PATIENCE).await;
        };
        let served = tokio::select! {
            result = server.into_future() => result.context("the server stopped"),
            () = timer => Ok(()),
        };
        // Programs that run are ended, and their folders go. What takes longer than that ends all the
        // same: whoever leads its processes waits for our end.
        let _ = tokio::time::timeout(PATIENCE, jobs.all_done()).await;
        served
    })
}
