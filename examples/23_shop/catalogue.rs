//! The articles: read from the database once in a while, and changed by admins.

use axum::extract::State;
use axum::response::{Html, Redirect};
use axum::{Form, http::StatusCode};
use beaker::AsyncCache;
use beaker::cache::{CacheEntry, LoadError};
use beaker::middleware::RequestSession;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use crate::Shop;
use crate::database::{Database, Field};
use crate::failure::{Failure, Result};
use crate::login::Admin;

// ANCHOR: article
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Article {
    pub id: i64,
    pub name: String,
    pub cents: i64,
}

impl Article {
    async fn all(database: &Database) -> Result<Vec<Article>> {
        let rows = database
            .query("SELECT id, name, cents FROM articles ORDER BY id", vec![])
            .await?; // (1)
        let article = |row: Vec<Field>| Article {
            id: row[0].number(),
            name: row[1].text().to_owned(),
            cents: row[2].number(),
        };
        Ok(rows.into_iter().map(article).collect())
    }
}
// ANCHOR_END: article

// ANCHOR: cached
/// Says which values an article's change makes invalid.
const ARTICLES: &str = "articles";

#[derive(Clone)]
pub struct Catalogue {
    pub database: Database,
    pub cache: AsyncCache<Vec<Article>>,
}

impl Catalogue {
    pub async fn articles(&self) -> Result<Vec<Article>> {
        let database = self.database.clone();
        let load = || async move {
            let articles = Article::all(&database).await; // (1)
            let articles = articles.map_err(Missing)?;
            Ok::<_, Missing>(CacheEntry::new(articles).tag(ARTICLES)) // (2)
        };
        let articles = self.cache.get_or_load("all", load).await; // (3)
        articles.map_err(|error| match error {
            LoadError::Cache(error) => error.into(),
            LoadError::Loader(missing) => missing.to_string().into(),
        })
    }
    // ANCHOR_END: cached

    // ANCHOR: set_price
    pub async fn set_price(&self, id: i64, cents: i64) -> Result<bool> {
        let set = "UPDATE articles SET cents = $1 WHERE id = $2 RETURNING id";
        let places = vec![Field::Number(cents), Field::Number(id)];
        let changed = self.database.query(set, places).await?; // (4)
        self.cache.invalidate_tag(ARTICLES).await?; // (5)
        Ok(!changed.is_empty())
    }
    // ANCHOR_END: set_price
}

/// Why the articles could not be read.
#[derive(Debug)]
pub struct Missing(Failure);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "could not read the articles: {}", self.0)
    }
}

impl std::error::Error for Missing {}

// ANCHOR: page
pub async fn page(
    State(shop): State<Shop>,
    mut session: RequestSession,
) -> Result<Html<String>> {
    let articles = shop.catalogue.articles().await?;
    shop.pages.render(
        &mut session,
        "catalogue",
        context! { articles => Serde(articles) },
    ) // (2)
}
// ANCHOR_END: page

#[derive(Deserialize)]
pub struct NewPrice {
    article: i64,
    cents: i64,
}

pub async fn prices(
    _: Admin,
    State(shop): State<Shop>,
    mut session: RequestSession,
) -> Result<Html<String>> {
    let articles = shop.catalogue.articles().await?;
    shop.pages.render(
        &mut session,
        "prices",
        context! { articles => Serde(articles) },
    )
}

pub async fn set_price(
    _: Admin,
    State(shop): State<Shop>,
    mut session: RequestSession,
    Form(new): Form<NewPrice>,
) -> Result<Redirect> {
    if !(1..1_000_000).contains(&new.cents) {
        return Err(Failure::Refused(
            StatusCode::UNPROCESSABLE_ENTITY,
            "A price is between 0.01 and 9999.99.",
        ));
    }
    if !shop.catalogue.set_price(new.article, new.cents).await? {
        return Err(Failure::Refused(
            StatusCode::NOT_FOUND,
            "There is no such article.",
        ));
    }
    session.flash("done", "The new price is in the shop.");
    session.save()?;
    Ok(Redirect::to("/prices"))
}
