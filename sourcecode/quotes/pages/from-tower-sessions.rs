use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use beaker::middleware::{RequestSession, SessionLayer};

/// As much of the other library as the quotes call.
mod tower_sessions {
    pub struct Session;
    pub struct Store;
    #[derive(Clone)]
    pub struct Layer;
    pub enum Expiry {
        OnInactivity(std::time::Duration),
        OnSessionEnd,
        AtDateTime(()),
    }
    type Result<T> = std::result::Result<T, std::fmt::Error>;

    impl Session {
        pub async fn get<T>(&self, key: &str) -> Result<Option<T>> {
            todo!()
        }
        pub async fn insert(&self, key: &str, value: u32) -> Result<()> {
            todo!()
        }
        pub async fn remove<T>(&self, key: &str) -> Result<Option<T>> {
            todo!()
        }
        pub async fn cycle_id(&self) -> Result<()> {
            todo!()
        }
        pub async fn flush(&self) -> Result<()> {
            todo!()
        }
        pub async fn save(&self) -> Result<()> {
            todo!()
        }
        pub fn set_expiry(&self, expiry: Option<Expiry>) {}
        pub fn expiry_date(&self) {}
    }

    impl Layer {
        pub fn new(_: Store) -> Layer {
            Layer
        }
        pub fn with_expiry(self, _: Expiry) -> Layer {
            self
        }
        pub fn with_always_save(self, _: bool) -> Layer {
            self
        }
        pub fn with_http_only(self, _: bool) -> Layer {
            self
        }
        pub fn with_secure(self, _: bool) -> Layer {
            self
        }
        pub fn with_signed(self, _: ()) -> Layer {
            self
        }
        pub fn with_private(self, _: ()) -> Layer {
            self
        }
    }

    impl<S> axum::extract::FromRequestParts<S> for Session
    where
        S: Send + Sync,
    {
        type Rejection = ();
        async fn from_request_parts(
            _: &mut axum::http::request::Parts,
            _: &S,
        ) -> std::result::Result<Session, ()> {
            todo!()
        }
    }

    impl<S> tower::Layer<S> for Layer {
        type Service = S;
        fn layer(&self, service: S) -> S {
            service
        }
    }
}
use tower_sessions::Expiry::{AtDateTime, OnInactivity, OnSessionEnd};
use tower_sessions::Layer as SessionManagerLayer;

fn their_options(store: tower_sessions::Store, time: Duration, date: (), key: ()) {
    let _ = SessionManagerLayer::«new(store)»
        .«with_expiry(OnInactivity(time))»
        .«with_expiry(OnSessionEnd)»
        .«with_expiry(AtDateTime(date))»
        .«with_always_save(true)»
        .«with_http_only(false)»
        .«with_secure(false)»
        .«with_signed(key)»
        .«with_private(key)»;
}

fn our_options(backend: AsyncBackend, sessions: AsyncSessions, time: Duration, keys: Vec<String>) -> Result<()> {
    let _ = «SessionLayer::new(AsyncSessions::new(backend))?»;
    let _ = sessions.clone().«timeout(time)».«auto(true)».«signed_by(Signer::new(keys)?)»;
    let _ = «CookieLifetime::For(time)»;
    Ok(())
}

async fn their_calls<T>(session: tower_sessions::Session, key: &str, value: u32, expiry: tower_sessions::Expiry) -> Anything<()> {
    session.«get::<T>(key).await?»;
    session.«insert(key, value).await?»;
    session.«remove::<T>(key).await?»;
    session.«cycle_id().await?»;
    session.«flush().await?»;
    session.«set_expiry(Some(expiry))»;
    session.«expiry_date()»;
    session.«save().await?»;
    Ok(())
}

fn our_calls<T>(session: &mut RequestSession, key: &str, value: u32, life: Duration) -> Result<()>
where
    T: Default + serde::Serialize + serde::de::DeserializeOwned + Clone,
{
    let change = |value: &mut u32| *value += 1;
    session.«get_as::<T>(key)?»;
    session.«set_as(key, &value)?»;
    session.«set(key, value)»;
    session.«update_as(key, change)?»;
    session.«remove(key)»;
    session.«regenerate_id()?»;
    session.«invalidate()?»;
    session.«delete()?»;
    session.«set_life(life)?»;
    session.«ends_at()»;
    session.«save()?»;
    Ok(())
}

«async fn carry_over(»

async fn shop() {}

fn both(sessions: AsyncSessions, store: tower_sessions::Store) -> Result<Router> {
    «let app = Router::new()»
    Ok(app)
}
