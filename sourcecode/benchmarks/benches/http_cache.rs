//! What a page costs that is kept by the HTTP cache, for a visitor who has it already: a 304, beside an axum page
//! that says 304 to everybody and looks at nothing.
//!
//! Each server is a process of its own with two threads for tasks. They take turns under load from `wrk`
//! (Debian's package of that name); what counts is the median of the ratios of a round.
//!
//! `cargo bench -p benchmarks --bench http_cache`; `-- 31` takes 31 rounds in place of 9.

use std::env;
use std::io::Result;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use beaker::AsyncCache;
use beaker::middleware::HttpCacheLayer;
use benchmarks::{Served, load_with_headers, median};
use tokio::net::TcpListener;

/// Says what a process of this program serves.
const SERVES: &str = "HTTP_CACHE_BENCHMARK_SERVES";

/// How long a server has its turn.
const TURN: Duration = Duration::from_secs(2);

const CONNECTIONS: usize = 16;

/// Requests a second of the bare page, beside ours.
const LIMIT: f64 = 1.1;

const TAG: &str = "\"standings of the season\"";

fn main() -> Result<()> {
    if let Ok(pages) = env::var(SERVES) {
        return serve(&pages);
    }
    let rounds = env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(9);
    if std::process::Command::new("wrk").output().is_err() {
        println!("http_cache: not measured: `wrk` is not installed (Debian: wrk)");
        return Ok(());
    }
    let program = env::current_exe()?.to_string_lossy().into_owned();
    let start = |pages| Served::start(&program, &[], &[(SERVES, pages)]);
    let servers = [start("bare")?, start("kept")?];
    // From now on there is a page.
    servers[1].get("/", "none=1")?;
    let mut turns = [Vec::new(), Vec::new()];
    // The first round warms up.
    for round in 0..=rounds {
        for place in 0..servers.len() {
            // Each goes first in its turn.
            let number = (place + round) % servers.len();
            let headers = [format!("If-None-Match: {TAG}")];
            let url = format!("{}/", servers[number].url());
            let loaded = load_with_headers(&url, &headers, CONNECTIONS, TURN)?;
            assert_eq!(loaded.failed, 0, "all of them are 304");
            if round > 0 {
                turns[number].push(loaded.per_second);
            }
        }
    }
    let [bare, kept] = &turns;
    let ratio = median(bare.iter().zip(kept).map(|(bare, kept)| bare / kept));
    println!("http_cache: a 304, {CONNECTIONS} connections:");
    println!("  bare axum       {:7.0} requests/s", median(bare.iter().copied()));
    println!("  HttpCacheLayer  {:7.0} requests/s", median(kept.iter().copied()));
    let verdict = if ratio <= LIMIT { "within" } else { "MISSES" };
    println!("  bare is {ratio:.2} times as fast: {verdict} the limit, {LIMIT}");
    Ok(())
}

fn serve(pages: &str) -> Result<()> {
    let app = match pages {
        "bare" => Router::new().route("/", get(bare)),
        _ => {
            let layer = HttpCacheLayer::new(AsyncCache::in_memory(1000));
            Router::new().route("/", get(standings)).layer(layer)
        }
    };
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        axum::serve(listener, app).await
    })
}

const HEADERS: [(&str, &str); 2] = [("cache-control", "max-age=86400"), ("etag", TAG)];

async fn bare() -> (StatusCode, [(&'static str, &'static str); 2]) {
    (StatusCode::NOT_MODIFIED, HEADERS)
}

async fn standings() -> ([(&'static str, &'static str); 2], String) {
    (HEADERS, "Kimi 110, Felipe 94\n".repeat(100))
}
