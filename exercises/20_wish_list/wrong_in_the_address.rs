//! A wish list: forms with a token, and a message on the page after a redirect.

use axum::extract::Path;
use axum::response::{Html, Redirect};
use axum::{Router, routing::get, routing::post};
use beaker::middleware::{CsrfLayer, RequestSession, SessionLayer};
use beaker::{AsyncBackend, AsyncSessions, CookieOptions, Result, Signer};

/// The messages that wait for this visitor, each shown once, and the wishes.
async fn page(mut session: RequestSession) -> Result<Html<String>> {
    let flashes = session.take_flashes();
    let messages =
        flashes.iter().map(|flash| flash.text().to_owned()).collect();
    let wishes = session.get_as("wishes")?.unwrap_or_default();
    let token = session.csrf_token();
    session.save()?;
    Ok(html(messages, wishes, &token))
}

/// Adds a wish, unless it is there: `tea is on your list.`, or `tea was there.`
async fn wish(
    Path(article): Path<String>,
    mut session: RequestSession,
) -> Result<Redirect> {
    let wishes: Vec<String> = session.get_as("wishes")?.unwrap_or_default();
    if wishes.contains(&article) {
        return Ok(Redirect::to(&format!("/?message={article} was there.")));
    } else {
        session.flash("success", format!("{article} is on your list."));
        session.update_as("wishes", move |wishes: &mut Vec<String>| {
            wishes.push(article.clone());
        })?;
    }
    session.save()?;
    Ok(Redirect::to("/"))
}

/// Empties the list: `Your list is empty.`
async fn clear(mut session: RequestSession) -> Result<Redirect> {
    session.remove("wishes");
    session.flash("success", "Your list is empty.");
    session.save()?;
    Ok(Redirect::to("/"))
}

/// The routes, with what a form needs around them.
fn app(sessions: AsyncSessions) -> Result<Router> {
    let app = routes().layer(CsrfLayer::new());
    Ok(app.layer(SessionLayer::new(sessions)?))
}

fn routes() -> Router {
    Router::new()
        .route("/", get(page))
        .route("/wish/{article}", post(wish))
        .route("/clear", post(clear))
}

fn html(
    messages: Vec<String>,
    wishes: Vec<String>,
    token: &str,
) -> Html<String> {
    let form = |action: &str, label: &str| {
        format!(
            r#"<form method="post" action="{action}">
<input type="hidden" name="csrf_token" value="{token}">
<button>{label}</button></form>"#
        )
    };
    let forms =
        [("/wish/tea", "Tea"), ("/wish/cup", "Cup"), ("/clear", "Clear")];
    let forms = forms.map(|(action, label)| form(action, label)).concat();
    let messages: String =
        messages.iter().map(|text| format!("<p>{text}</p>")).collect();
    let wishes = wishes.join(", ");
    Html(format!("<main>{messages}<p>You wish: {wishes}</p>{forms}</main>"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = AsyncSessions::new(AsyncBackend::memory())
        .signed_by(Signer::random()?)
        .cookie(CookieOptions::default().insecure_for_localhost());
    let app = app(sessions)?;
    let address = format!("127.0.0.1:{}", std::env::var("PORT")?);
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, app).await?)
}
