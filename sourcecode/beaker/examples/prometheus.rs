//! A shop on axum whose sessions and caches Prometheus watches, by its page `/metrics`.
//!
//! ```text
//! cargo run -p beaker-web --features axum,metrics --example prometheus
//! curl -s localhost:8080/standings localhost:8080/metrics
//! ```

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use beaker::cache::{AsyncCache, MemoryOptions};
use beaker::middleware::{RequestSession, SessionLayer};
use beaker::{AsyncBackend, AsyncSessions, CookieOptions, Signer, Value};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let recorder = install()?;
        tokio::spawn(look_after(recorder.clone()));
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 8080)).await?;
        axum::serve(listener, app(recorder)?).await?;
        Ok(())
    })
}

/// Adds up what was measured, which would pile up while nobody reads the page.
async fn look_after(recorder: PrometheusHandle) {
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        recorder.run_upkeep();
    }
}

/// Installs the recorder. Without buckets it would render summaries, which cannot be added up across hosts.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let buckets = [0.0001, 0.001, 0.01, 0.1, 1.0, 10.0];
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &buckets)?
        .install_recorder()?;
    // From here on, the durations of sessions are measured.
    beaker::metrics::publish();
    Ok(recorder)
}

/// Makes the shop, whose page `/metrics` this recorder renders.
pub fn app(recorder: PrometheusHandle) -> beaker::Result<Router> {
    let sessions = AsyncSessions::new(AsyncBackend::memory())
        .signed_by(Signer::random()?)
        .cookie(CookieOptions::default().insecure_for_localhost());
    // A cache in memory has no name but the one that it is given here.
    let points = AsyncCache::in_memory_with(MemoryOptions::new(1_000).name("points"))
        .ttl(Duration::from_secs(60));
    let shop = Router::new()
        .route("/", get(visits))
        .route("/standings", get(standings))
        .with_state(points)
        .layer(SessionLayer::new(sessions)?);
    // Outside the layer: Prometheus is no visitor.
    Ok(shop.route("/metrics", get(metrics)).with_state(recorder))
}

async fn visits(mut session: RequestSession) -> beaker::Result<String> {
    let visits = session.update("visits", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
    session.save()?;
    Ok(format!("{visits:?}"))
}

async fn standings(State(points): State<AsyncCache<u32>>) -> beaker::Result<String> {
    let points = points.get_or_create("Kimi", async || 110_u32).await?;
    Ok(format!("Kimi has {points} points\n"))
}

/// Copies the counts of caches first, and then renders all.
async fn metrics(State(recorder): State<PrometheusHandle>) -> impl IntoResponse {
    beaker::metrics::publish();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], recorder.render())
}
