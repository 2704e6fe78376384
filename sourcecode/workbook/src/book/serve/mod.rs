//! The book on this machine: built, served, and built again when something in it changes.

mod app;
mod host;
mod live;
mod port;
mod run;
#[cfg(test)]
mod tests;
mod watch;

use std::future::Future;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch as channel;

use self::live::State;
use super::build::build_and_name;
use super::edition::EDITIONS;

/// How long open answers may take to finish after Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(2);

/// Builds the book below the workspace `root` and serves it on 127.0.0.1 until Ctrl-C.
///
/// Without a `port` it is 3000, or the next one that is free.
///
/// # Errors
///
/// A page with a mistake; a port that is taken although it was asked for.
pub fn serve(root: &Path, port: Option<u16>) -> Result<()> {
    let listener = port::bind(port)?;
    let name = build_and_name(root)?;
    let address = listener.local_addr().context("could not ask for the address")?;
    let mut text = String::new();
    for edition in &EDITIONS {
        text += &format!("{:>8}: http://{address}/{}/\n", edition.name, edition.code);
    }
    text += "Pages are built again when you save a file. Ctrl-C stops the server.\n";
    // Nobody needs to read it: the server goes on when the output is closed.
    let _ = io::stdout().write_all(text.as_bytes());
    run(root, listener, name, async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without the signal there is nothing to wait for: serve until killed.
            std::future::pending::<()>().await;
        }
    })
}

/// Serves until `stop` is ready.
fn run(
    root: &Path,
    listener: TcpListener,
    build: String,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let (state, states) = channel::channel(State { build, failure: None });
    let _watcher = watch::start(root, state)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the server")?;
    runtime.block_on(async {
        listener.set_nonblocking(true).context("could not set up the port")?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (stopped, wait) = channel::channel(false);
        let app = app::router(root, states, wait.clone());
        let mut until = wait.clone();
        let server = axum::serve(listener, app).with_graceful_shutdown(async move {
            let _ = until.wait_for(|stopped| *stopped).await;
        });
        let timer = async {
            stop.await;
            let _ = stopped.send(true);
            tokio::time::sleep(PATIENCE).await;
        };
        tokio::select! {
            result = server.into_future() => result.context("the server stopped"),
            () = timer => Ok(()),
        }
    })
}
