//! Templates, and what every page shows: who is logged in, and messages.

use std::sync::Arc;

use axum::response::Html;
use beaker::middleware::RequestSession;
use minijinja::value::Serde;
use minijinja::{Environment, context};

use crate::failure::Result;

const TEMPLATES: [(&str, &str); 6] = [
    ("layout", include_str!("templates/layout.html")),
    ("catalogue", include_str!("templates/catalogue.html")),
    ("basket", include_str!("templates/basket.html")),
    ("login", include_str!("templates/login.html")),
    ("account", include_str!("templates/account.html")),
    ("prices", include_str!("templates/prices.html")),
];

#[derive(Clone)]
pub struct Pages(Arc<Environment<'static>>);

impl Pages {
    pub fn new() -> Result<Pages> {
        let mut templates = Environment::new();
        // What a template is given is text, and never markup.
        templates.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
        templates.add_filter("euros", |cents: i64| {
            format!("{}.{:02} €", cents / 100, cents % 100)
        });
        for (name, template) in TEMPLATES {
            templates.add_template(name, template)?;
        }
        Ok(Pages(Arc::new(templates)))
    }

    // ANCHOR: render
    pub fn render(
        &self,
        session: &mut RequestSession,
        name: &str,
        content: minijinja::Value,
    ) -> Result<Html<String>> {
        let flashes = session.take_flashes(); // (1)
        let flashes = minijinja::Value::from(Serde(flashes));
        let token = hidden("csrf_token", &session.csrf_token()); // (2)
        session.save()?; // (3)
        let user = session.user();
        let shared = context! { user, flashes, token, ..content };
        Ok(Html(self.0.get_template(name)?.render(shared)?))
    }
    // ANCHOR_END: render
}

/// A field of a form that nobody sees. The value has no character of markup.
fn hidden(name: &str, value: &str) -> minijinja::Value {
    let field =
        format!(r#"<input type="hidden" name="{name}" value="{value}">"#);
    minijinja::Value::from_safe_string(field)
}
