use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::routing::get;
use beaker::middleware::{CsrfLayer, CsrfToken, RequestSession, SessionLayer};
use tower::ServiceExt;

«async fn count(mut session: RequestSession) -> Result<String> {»

«struct Visitor {»

«const MINUTE: Duration = Duration::from_secs(60);»

async fn why(sessions: AsyncSessions, anna: Visitor) -> Result<()> {
    let _ = «Origin::Rejected(Rejection::TimedOut)»;
    «let session = sessions.load(anna.jar.header("/").as_deref()).await?;»
    Ok(())
}

«fn buy(token: &str) -> Request<Body> {»

async fn two_tabs(sessions: AsyncSessions, id: SessionId) -> Result<()> {
    «let mut one = sessions.open(&id).await?;»
    Ok(())
}
