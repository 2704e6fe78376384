//! The basket: a guest's is in the session, a customer's in the database.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use beaker::middleware::RequestSession;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use crate::Shop;
use crate::catalogue::Article;
use crate::database::{Database, Field};
use crate::failure::{Failure, Result};

/// More of one article than this is a mistake, or no customer.
const MOST: i64 = 99;

// ANCHOR: guest
/// How many there are of each article. A session's keys are texts.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Basket(pub BTreeMap<String, i64>);

impl Basket {
    fn add(&mut self, article: i64, count: i64) {
        let there = self.0.entry(article.to_string()).or_default();
        *there = (*there + count).clamp(0, MOST);
        self.0.retain(|_, count| *count > 0);
    }

    pub fn of_guest(session: &RequestSession) -> Result<Basket> {
        Ok(session.get_as("basket")?.unwrap_or_default()) // (1)
    }

    fn add_for_guest(
        session: &mut RequestSession,
        article: i64,
        count: i64,
    ) -> Result<()> {
        session.update_as("basket", move |basket: &mut Basket| {
            basket.add(article, count); // (2)
        })?;
        Ok(session.save()?) // (3)
    }
}
// ANCHOR_END: guest

impl Basket {
    async fn of_customer(database: &Database, name: &str) -> Result<Basket> {
        let all = "SELECT article, count FROM baskets WHERE account = $1 AND count > 0";
        let rows = database.query(all, vec![Field::Text(name.into())]).await?;
        let counts = rows
            .iter()
            .map(|row| (row[0].number().to_string(), row[1].number()));
        Ok(Basket(counts.collect()))
    }

    /// One statement, so that two tabs lose nothing here either.
    async fn add_for_customer(
        database: &Database,
        name: &str,
        article: i64,
        count: i64,
    ) -> Result<()> {
        let add = "INSERT INTO baskets (account, article, count) VALUES ($1, $2, $3) \
                   ON CONFLICT (account, article) DO UPDATE SET count = CASE \
                   WHEN baskets.count + EXCLUDED.count < 0 THEN 0 \
                   WHEN baskets.count + EXCLUDED.count > 99 THEN 99 \
                   ELSE baskets.count + EXCLUDED.count END";
        let places = vec![
            Field::Text(name.into()),
            Field::Number(article),
            Field::Number(count.clamp(-MOST, MOST)),
        ];
        database.query(add, places).await?;
        Ok(())
    }

    // ANCHOR: merge
    /// What a guest has chosen becomes the customer's.
    pub async fn hand_over(
        database: &Database,
        session: &mut RequestSession,
        name: &str,
    ) -> Result<()> {
        let Basket(chosen) = Basket::of_guest(session)?; // (1)
        for (article, count) in chosen {
            let article = article.parse()?;
            Basket::add_for_customer(database, name, article, count).await?; // (2)
        }
        session.remove("basket"); // (3)
        Ok(())
    }
    // ANCHOR_END: merge

    /// Whoever's it is.
    async fn of(
        database: &Database,
        session: &RequestSession,
    ) -> Result<Basket> {
        match session.user() {
            Some(name) => Basket::of_customer(database, name).await,
            None => Basket::of_guest(session),
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct Choice {
    article: i64,
    #[serde(default = "one")]
    count: i64,
}

fn one() -> i64 {
    1
}

#[derive(Serialize)]
struct Line {
    article: Article,
    count: i64,
    cents: i64,
}

pub async fn page(
    State(shop): State<Shop>,
    mut session: RequestSession,
) -> Result<Html<String>> {
    let Basket(chosen) = Basket::of(&shop.catalogue.database, &session).await?;
    let articles = shop.catalogue.articles().await?;
    let line = |article: Article| {
        let count = *chosen.get(&article.id.to_string())?;
        Some(Line { cents: article.cents * count, article, count })
    };
    let lines: Vec<Line> = articles.into_iter().filter_map(line).collect();
    let cents: i64 = lines.iter().map(|line| line.cents).sum();
    shop.pages.render(
        &mut session,
        "basket",
        context! { lines => Serde(lines), cents },
    )
}

// ANCHOR: choose
pub async fn choose(
    State(shop): State<Shop>,
    mut session: RequestSession,
    Form(choice): Form<Choice>,
) -> Result<Redirect> {
    let articles = shop.catalogue.articles().await?;
    let chosen = articles.into_iter().find(|it| it.id == choice.article);
    let Some(article) = chosen else {
        let why = "There is no such article.";
        return Err(Failure::Refused(StatusCode::NOT_FOUND, why));
    };
    if choice.count > 0 {
        session.flash("done", format!("{} is in the basket.", article.name)); // (1)
    }
    match session.user().map(str::to_owned) {
        None => Basket::add_for_guest(&mut session, article.id, choice.count)?,
        Some(name) => {
            let database = &shop.catalogue.database;
            Basket::add_for_customer(database, &name, article.id, choice.count)
                .await?;
            session.save()?;
        }
    }
    Ok(Redirect::to("/basket")) // (2)
}
// ANCHOR_END: choose
