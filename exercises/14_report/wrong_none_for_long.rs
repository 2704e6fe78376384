//! A report of a shop's sales, cached: right after an order, and there when the
//! database is not.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use beaker::cache::{Cache, CacheEntry};
use beaker::{ManualClock, Timestamp};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const MINUTE: Duration = Duration::from_secs(60);

struct Shop {
    cache: Cache<u32>,
    orders: RefCell<Vec<(&'static str, u32)>>,
    queries: Cell<u32>,
    is_down: Cell<bool>,
}

/// Fresh for ten minutes, and usable for an hour more if there is no newer.
fn cache(clock: Arc<ManualClock>) -> Cache<u32> {
    Cache::in_memory(100).ttl(10 * MINUTE).stale_for(60 * MINUTE).clock(clock)
}

impl Shop {
    /// The sales of a city. "None yet" is known for a minute only.
    fn city(&self, city: &'static str) -> Result<u32> {
        self.cache.try_get_or_create(("city", city), || {
            let sum = self.query(Some(city))?;
            let entry = CacheEntry::new(sum).tag(city);
            Ok(entry)
        })
    }

    /// The sales of all cities.
    fn all(&self) -> Result<u32> {
        self.cache.try_get_or_create("all", || {
            Ok(CacheEntry::new(self.query(None)?).tag("all"))
        })
    }

    /// Takes an order. From now on no report is without it, and those of other
    /// cities are still cached.
    fn order(&self, city: &'static str, euros: u32) -> Result<()> {
        self.insert(city, euros)?;
        self.cache.invalidate_tag(city)?;
        self.cache.invalidate_tag("all")?;
        Ok(())
    }
}

impl Shop {
    /// The sum of a city, or of all, which takes the database a while.
    fn query(&self, city: Option<&str>) -> Result<u32> {
        self.queries.set(self.queries.get() + 1);
        if self.is_down.get() {
            return Err("the database is down".into());
        }
        let orders = self.orders.borrow();
        let of = |of: &str| city.is_none_or(|city| city == of);
        Ok(orders.iter().filter(|it| of(it.0)).map(|it| it.1).sum())
    }

    /// Writes an order. At the worst moment, a visitor looks at the reports.
    fn insert(&self, city: &'static str, euros: u32) -> Result<()> {
        let _ = (self.city(city)?, self.all()?);
        self.orders.borrow_mut().push((city, euros));
        Ok(())
    }

    fn show(&self, what: &str, ask: impl Fn() -> Result<u32>) {
        let before = self.queries.get();
        let answer = match ask() {
            Ok(sum) => sum.to_string(),
            Err(error) => error.to_string(),
        };
        let queries = self.queries.get() - before;
        println!("{what}: {answer} (queries: {queries})");
    }
}

fn main() -> Result<()> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    let shop = Shop {
        cache: cache(clock.clone()),
        orders: RefCell::new(vec![("Oslo", 30), ("Bern", 20)]),
        queries: Cell::default(),
        is_down: Cell::default(),
    };
    for city in ["Oslo", "Bern", "Rome", "Oslo"] {
        shop.show(city, || shop.city(city));
    }
    shop.show("All", || shop.all());

    println!("An order from Oslo, and one from Rome:");
    shop.order("Oslo", 5)?;
    shop.order("Rome", 7)?;
    for city in ["Oslo", "Bern", "Rome", "Kyiv"] {
        shop.show(city, || shop.city(city));
    }
    shop.show("All", || shop.all());

    println!("Two minutes later:");
    clock.advance(2 * MINUTE);
    for city in ["Oslo", "Kyiv"] {
        shop.show(city, || shop.city(city));
    }

    println!("Ten minutes later the database is down:");
    clock.advance(10 * MINUTE);
    shop.is_down.set(true);
    shop.show("Oslo", || shop.city("Oslo"));
    shop.show("Lima", || shop.city("Lima"));

    println!("Two hours later as well:");
    clock.advance(120 * MINUTE);
    shop.show("Oslo", || shop.city("Oslo"));
    Ok(())
}
