//! actix-session, over a map in memory: it has no such store of its own.

use std::collections::HashMap;
use std::result;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_session::config::CookieContentSecurity;
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionExt, SessionMiddleware};
use actix_web::cookie::Key;
use actix_web::cookie::time::Duration;
use actix_web::error::ErrorNotFound;
use actix_web::middleware::Condition;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Result};

/// What a session has.
type State = HashMap<String, String>;

/// How many requests the page that counts has answered, be they counted in a session or not.
static ANSWERED: AtomicU64 = AtomicU64::new(0);

pub fn serve(name: &str) -> std::io::Result<()> {
    let (store, key, has_sessions) = (InMemory::default(), Key::generate(), name != "bare");
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(move || {
            let sessions = SessionMiddleware::builder(store.clone(), key.clone())
                .cookie_content_security(CookieContentSecurity::Signed)
                .cookie_secure(false)
                .build();
            App::new().wrap(Condition::new(has_sessions, sessions)).configure(if has_sessions {
                pages
            } else {
                bare_pages
            })
        });
        let server = server.workers(2).disable_signals().bind("127.0.0.1:0")?;
        println!("http://{}", server.addrs()[0]);
        server.run().await
    })
}

fn pages(config: &mut ServiceConfig) {
    config
        .route("/new", web::get().to(new))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/sum", web::get().to(sum));
}

/// The same for nobody.
fn bare_pages(config: &mut ServiceConfig) {
    async fn new() -> HttpResponse {
        HttpResponse::Ok().insert_header(("set-cookie", "id=0123456789abcdef; Path=/")).finish()
    }
    async fn count() -> String {
        let counter = ANSWERED.fetch_add(1, Ordering::Relaxed) + 1;
        format!("Counter value is: {counter}")
    }
    config
        .route("/new", web::get().to(new))
        .route("/read", web::get().to(count))
        .route("/write", web::get().to(count));
}

async fn new(request: HttpRequest) -> Result<&'static str> {
    let session = request.get_session();
    session.insert("text", "x".repeat(200))?;
    session.insert("counter", 0_i64)?;
    Ok("a new session")
}

fn counted(session: &Session) -> Result<i64> {
    session.get("counter")?.ok_or_else(|| ErrorNotFound("no such session"))
}

async fn read(session: Session) -> Result<String> {
    Ok(format!("Counter value is: {}", counted(&session)?))
}

async fn write(session: Session) -> Result<String> {
    let counter = counted(&session)? + 1;
    session.insert("counter", counter)?;
    ANSWERED.fetch_add(1, Ordering::Relaxed);
    Ok(format!("Counter value is: {counter}"))
}

async fn sum(session: Session) -> Result<String> {
    Ok(format!("{} {}", counted(&session)?, ANSWERED.load(Ordering::Relaxed)))
}

#[derive(Clone, Default)]
struct InMemory {
    states: Arc<Mutex<HashMap<String, State>>>,
    made: Arc<AtomicU64>,
}

impl InMemory {
    fn states(&self) -> MutexGuard<'_, HashMap<String, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionStore for InMemory {
    async fn load(&self, key: &SessionKey) -> result::Result<Option<State>, LoadError> {
        Ok(self.states().get(key.as_ref()).cloned())
    }

    async fn save(&self, state: State, _: &Duration) -> result::Result<SessionKey, SaveError> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let key = format!("{number:032}");
        self.states().insert(key.clone(), state);
        Ok(key.try_into().expect("a short text can be a key"))
    }

    async fn update(
        &self,
        key: SessionKey,
        state: State,
        _: &Duration,
    ) -> result::Result<SessionKey, UpdateError> {
        self.states().insert(key.as_ref().to_owned(), state);
        Ok(key)
    }

    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> anyhow::Result<()> {
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        self.states().remove(key.as_ref());
        Ok(())
    }
}
