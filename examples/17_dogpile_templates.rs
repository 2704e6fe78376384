//! Caches parts of pages: a `cached` block is rendered only when it must be.

use std::error::Error as StdError;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use beaker::Backend;
use beaker::cache::{Cache, CacheEntry};
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind, State, context};

const PAGE: &str = "\
{% call cached('news', ttl=60, vary=[user.lang], tags=['news']) -%}
<p>{{ news(user.lang) }}</p>
{%- endcall %}
{% call cached('basket') -%}
<p>Basket of {{ user.name }}</p>
{%- endcall %}"; // (1)

static NEWS: AtomicU32 = AtomicU32::new(0);

fn main() -> Result<(), Box<dyn StdError>> {
    let cache: Cache<String> = Cache::new(Backend::memory(), "fragments");
    let fragments = cache.clone();
    let mut templates = Environment::new();
    templates.add_function("news", news);
    templates.add_function(
        "cached",
        move |state: &mut State, name: String, options: Kwargs| {
            cached(&fragments, state, &name, &options)
        },
    );

    println!("With a trap");
    templates.add_template("page.html", PAGE)?;
    show(&templates, "Kimi", "fi")?;
    show(&templates, "Jenson", "en")?; // (2)
    show(&templates, "Lewis", "en")?;

    println!("\nCured");
    let cured = PAGE.replace("'basket'", "'basket', vary=[user.name]");
    templates.add_template_owned("page.html", cured)?; // (8)
    show(&templates, "Jenson", "en")?;
    show(&templates, "Lewis & Nico", "en")?; // (9)

    println!("\nAfter an invalidation");
    cache.invalidate_tag("news")?; // (10)
    show(&templates, "Jenson", "en")
}

/// `{% call cached(name, ttl=seconds, vary=[…], tags=[…]) %}…{% endcall %}`
fn cached(
    cache: &Cache<String>,
    state: &mut State,
    name: &str,
    options: &Kwargs,
) -> Result<Value, Error> {
    let body: Value = options.get("caller")?; // (3)
    let ttl: Option<u64> = options.get("ttl")?;
    let vary: Option<Vec<Value>> = options.get("vary")?;
    let tags: Option<Vec<String>> = options.get("tags")?;
    options.assert_all_used()?; // (4)

    let key = key(state, name, &vary.unwrap_or_default())?;
    let html = cache.try_get_or_create(key, || {
        let html = body.call(state, &[])?.to_string(); // (5)
        let mut made = CacheEntry::new(html);
        for tag in tags.iter().flatten() {
            made = made.tag(tag);
        }
        Ok::<_, Box<dyn StdError>>(match ttl {
            Some(seconds) => made.ttl(Duration::from_secs(seconds)),
            None => made,
        })
    });
    let html = html.map_err(|error| {
        Error::new(ErrorKind::InvalidOperation, error.to_string())
    })?;
    Ok(Value::from_safe_string(html)) // (6)
}

/// The template, its source, the fragment, and the values it depends on.
fn key(state: &State, name: &str, vary: &[Value]) -> Result<String, Error> {
    let mut source = DefaultHasher::new();
    state.get_template(state.name())?.source().hash(&mut source);
    let source = format!("{:x}", source.finish());
    let mut key = String::new();
    let mut add = |kind: &str, text: &str| {
        key.push_str(&format!("{kind}{}:{text}", text.len())); // (7)
    };
    add("template", state.name());
    add("source", &source);
    add("fragment", name);
    for value in vary {
        add(&value.kind().to_string(), &value.to_string());
    }
    Ok(key)
}

fn news(lang: &str) -> String {
    let times = NEWS.fetch_add(1, Ordering::Relaxed) + 1;
    format!("News in {lang}, rendering no. {times}")
}

fn show(
    templates: &Environment,
    name: &str,
    lang: &str,
) -> Result<(), Box<dyn StdError>> {
    let page = templates.get_template("page.html")?;
    let user = context! { name, lang };
    println!("{name}:\n{}", page.render(context! { user })?);
    Ok(())
}
