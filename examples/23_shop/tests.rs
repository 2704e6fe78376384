//! The shop without a network and without a server: requests into its router.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use beaker::testing::CookieJar;
use beaker::{
    AsyncBackend, AsyncCache, AsyncSessions, Backend, ManualClock, Signer,
    Timestamp,
};
use tower::ServiceExt;

use crate::Shop;
use crate::database::Database;

const HOST: &str = "https://shop.example";
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A shop in memory, and the clock that its sessions go by.
async fn shop() -> (Shop, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(
        1_700_000_000_000_000,
    )));
    let sessions = AsyncSessions::new(AsyncBackend::memory())
        .signed_by(Signer::random().unwrap())
        .clock(clock.clone())
        .timeout(30 * MINUTE)
        .lifetime(60 * DAY);
    let database = Database::open("sqlite::memory:").await.unwrap();
    let cache = AsyncCache::in_memory(10);
    let mut shop =
        Shop::new(database, sessions, cache, Backend::memory().into()).unwrap();
    shop.log_ins = shop.log_ins.with_clock(clock.clone());
    shop.add_account("anna", "tea for two", "customer").await.unwrap();
    shop.add_account("boris", "price of tea", "admin").await.unwrap();
    (shop, clock)
}

// ANCHOR: visitor
/// A visitor with a browser of their own.
#[derive(Clone)]
struct Visitor {
    app: Router,
    jar: CookieJar,
    page: String,
}

impl Visitor {
    fn of(shop: &Shop) -> Visitor {
        let app = shop.clone().router().unwrap();
        Visitor { app, jar: CookieJar::new(), page: String::new() }
    }

    async fn send(&mut self, request: Request<Body>, url: &str) -> StatusCode {
        let answer = self.app.clone().oneshot(request).await.unwrap(); // (1)
        self.jar.take(url, answer.headers()); // (2)
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        self.page = String::from_utf8(body.to_vec()).unwrap();
        match headers.get("location") {
            None => status,
            Some(to) => Box::pin(self.get(to.to_str().unwrap())).await, // (3)
        }
    }

    async fn get(&mut self, path: &str) -> StatusCode {
        let url = format!("{HOST}{path}");
        let request = self.jar.request(&url).body(Body::empty()).unwrap();
        self.send(request, &url).await
    }
}
// ANCHOR_END: visitor

/// The header of a request with this visitor's cookies.
trait Cookies {
    fn request(&self, url: &str) -> axum::http::request::Builder;
}

impl Cookies for CookieJar {
    fn request(&self, url: &str) -> axum::http::request::Builder {
        let request = Request::builder().uri(url);
        match self.header(url) {
            Some(cookies) => request.header("cookie", cookies),
            None => request,
        }
    }
}

impl Visitor {
    /// Sends a form of the page that was shown last.
    async fn submit(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> StatusCode {
        let token = self.token();
        self.submit_with(&token, path, fields).await
    }

    async fn submit_with(
        &mut self,
        token: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> StatusCode {
        let url = format!("{HOST}{path}");
        let mut form = vec![format!("csrf_token={token}")];
        form.extend(fields.iter().map(|(name, value)| {
            format!("{name}={}", value.replace(' ', "+"))
        }));
        let request = self.jar.request(&url).method("POST");
        let request =
            request.header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(form.join("&").into()).unwrap(), &url).await
    }

    fn token(&self) -> String {
        let after = self.page.split_once(r#"name="csrf_token" value=""#);
        let after =
            after.unwrap_or_else(|| panic!("no form in {}", self.page)).1;
        after.split('"').next().unwrap().to_owned()
    }

    async fn log_in(
        &mut self,
        name: &str,
        password: &str,
        more: &[(&str, &str)],
    ) -> StatusCode {
        self.get("/login").await;
        let fields = [&[("name", name), ("password", password)], more].concat();
        self.submit("/login", &fields).await
    }

    fn cookie(&self) -> Option<String> {
        self.jar.header(HOST)
    }

    #[track_caller]
    fn sees(&self, text: &str) {
        assert!(self.page.contains(text), "`{text}` is not in {}", self.page);
    }

    #[track_caller]
    fn sees_no(&self, text: &str) {
        assert!(!self.page.contains(text), "`{text}` is in {}", self.page);
    }
}

#[tokio::test]
async fn the_catalogue_is_for_everybody() {
    let (shop, _) = shop().await;
    let mut guest = Visitor::of(&shop);
    assert_eq!(guest.get("/").await, StatusCode::OK);
    guest.sees("Green tea");
    guest.sees("4.90 €");
    assert_eq!(guest.get("/none").await, StatusCode::NOT_FOUND);
    assert_eq!(guest.get("/health").await, StatusCode::OK);
}

#[tokio::test]
async fn two_tabs_lose_nothing() {
    let (shop, _) = shop().await;
    let mut guest = Visitor::of(&shop);
    guest.get("/").await;
    let mut other_tab = guest.clone();
    let [first, second] = [("article", "1"), ("article", "3")];
    let (first, second) = ([first], [second]);
    let both = tokio::join!(
        guest.submit("/basket", &first),
        other_tab.submit("/basket", &second)
    );
    assert_eq!(both, (StatusCode::OK, StatusCode::OK));
    guest.get("/basket").await;
    guest.sees("<td>Green tea</td><td>1</td>");
    guest.sees("<td>Teapot</td><td>1</td>");
    guest.sees("33.90 €");
    guest.submit("/basket", &[("article", "3"), ("count", "-1")]).await;
    guest.sees_no("Teapot");
    assert_eq!(
        guest.submit("/basket", &[("article", "4")]).await,
        StatusCode::NOT_FOUND
    );
    guest.get("/").await;
    let wrong = guest.submit("/basket", &[("article", "many")]).await;
    assert_eq!(wrong, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_log_in_changes_the_id_and_keeps_the_basket() {
    let (shop, _) = shop().await;
    let mut anna = Visitor::of(&shop);
    anna.get("/").await;
    anna.submit("/basket", &[("article", "1")]).await;
    let before = anna.clone();
    anna.log_in("anna", "tea for three", &[]).await;
    anna.sees("The name or the password is wrong.");
    assert_eq!(anna.cookie(), before.cookie());
    anna.get("/login").await;
    anna.sees_no("wrong");

    anna.log_in("anna", "tea for two", &[]).await;
    anna.sees("<td>Green tea</td><td>1</td>");
    anna.sees(r#"<a href="/account">anna</a>"#);
    assert_ne!(anna.cookie(), before.cookie());
    // Whoever has the old id is not Anna.
    let mut thief = before;
    thief.get("/account").await;
    thief.sees("Log in");
    thief.sees_no("anna");

    // What she chooses elsewhere is hers as well.
    let mut phone = Visitor::of(&shop);
    phone.get("/").await;
    phone.submit("/basket", &[("article", "1")]).await;
    phone.log_in("anna", "tea for two", &[]).await;
    phone.sees("<td>Green tea</td><td>2</td>");
}

#[tokio::test]
async fn nobody_tries_passwords_all_day() {
    let (shop, _) = shop().await;
    let mut thief = Visitor::of(&shop);
    for _ in 0..5 {
        thief.log_in("anna", "guess", &[]).await;
        thief.sees("wrong");
    }
    let refused = thief.log_in("anna", "tea for two", &[]).await;
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(thief.log_in("nobody", "x", &[]).await, StatusCode::OK);
    thief.sees("wrong");
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let (shop, _) = shop().await;
    let mut anna = Visitor::of(&shop);
    anna.log_in("anna", "tea for two", &[]).await;
    let mut mallory = Visitor::of(&shop);
    mallory.get("/").await;
    for token in ["", &mallory.token()] {
        let forged =
            anna.submit_with(token, "/basket", &[("article", "1")]).await;
        assert_eq!(forged, StatusCode::FORBIDDEN);
    }
    anna.get("/basket").await;
    anna.sees("nothing in it");
}

#[tokio::test]
async fn a_message_is_shown_once() {
    let (shop, _) = shop().await;
    let mut guest = Visitor::of(&shop);
    guest.get("/").await;
    guest.submit("/basket", &[("article", "2")]).await;
    guest.sees("Black tea is in the basket.");
    guest.get("/basket").await;
    guest.sees_no("Black tea is in the basket.");
}

#[tokio::test]
async fn a_session_has_an_idle_and_an_absolute_timeout() {
    let (shop, clock) = shop().await;
    let mut anna = Visitor::of(&shop);
    anna.log_in("anna", "tea for two", &[]).await;
    clock.advance(29 * MINUTE);
    assert_eq!(anna.get("/account").await, StatusCode::OK);
    anna.sees("Your account");
    clock.advance(31 * MINUTE);
    anna.get("/account").await;
    anna.sees("Log in");

    // One who is remembered may stay away, and not for ever.
    anna.log_in("anna", "tea for two", &[("remember", "yes")]).await;
    for _ in 0..2 {
        clock.advance(29 * DAY);
        anna.get("/account").await;
        anna.sees("Your account");
    }
    clock.advance(3 * DAY);
    anna.get("/account").await;
    anna.sees("Log in");
}

#[tokio::test]
async fn a_log_out_everywhere_ends_all_sessions() {
    let (shop, _) = shop().await;
    let (mut laptop, mut phone) = (Visitor::of(&shop), Visitor::of(&shop));
    laptop.log_in("anna", "tea for two", &[]).await;
    phone.log_in("anna", "tea for two", &[("remember", "yes")]).await;
    phone.get("/account").await;
    phone.sees("logged in on 2 devices");
    phone.submit("/logout", &[]).await;
    phone.sees("You are logged out.");
    laptop.get("/account").await;
    laptop.sees("logged in on 1 device.");
    phone.log_in("anna", "tea for two", &[]).await;
    laptop.submit("/logout-everywhere", &[]).await;
    laptop.sees("You are logged out on all devices.");
    for mut visitor in [phone, laptop] {
        visitor.get("/account").await;
        visitor.sees("Log in");
    }
}

#[tokio::test]
async fn prices_are_for_admins() {
    let (shop, _) = shop().await;
    let (mut anna, mut boris) = (Visitor::of(&shop), Visitor::of(&shop));
    assert_eq!(anna.get("/prices").await, StatusCode::OK);
    anna.sees("Log in");
    anna.log_in("anna", "tea for two", &[]).await;
    assert_eq!(anna.get("/prices").await, StatusCode::FORBIDDEN);
    boris.log_in("boris", "price of tea", &[]).await;
    boris.get("/prices").await;
    let wrong =
        boris.submit("/prices", &[("article", "1"), ("cents", "0")]).await;
    assert_eq!(wrong, StatusCode::UNPROCESSABLE_ENTITY);
    boris.get("/prices").await;
    boris.submit("/prices", &[("article", "1"), ("cents", "510")]).await;
    boris.sees("The new price is in the shop.");
    anna.get("/").await;
    anna.sees("5.10 €");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_visitors_cost_one_query() {
    let (shop, _) = shop().await;
    let before = shop.catalogue.database.queries();
    let visits = (0..100).map(|_| {
        let mut guest = Visitor::of(&shop);
        tokio::spawn(async move { guest.get("/").await })
    });
    for visit in visits.collect::<Vec<_>>() {
        assert_eq!(visit.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(shop.catalogue.database.queries() - before, 1);
}
