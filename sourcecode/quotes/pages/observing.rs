use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

fn install(buckets: [f64; 3]) -> Anything<PrometheusHandle> {
    «let recorder = PrometheusBuilder::new()»
    Ok(recorder)
}

«async fn metrics(State(recorder): State<PrometheusHandle>) -> impl IntoResponse {»
