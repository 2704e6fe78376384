use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;

fn peers(app: Router) {
    let _ = app.«into_make_service_with_connect_info::<SocketAddr>()»;
}

«async fn ready(»

fn cleanup(backend: Backend) -> Result<()> {
    «let store = backend.store().clone();»
    Ok(())
}
