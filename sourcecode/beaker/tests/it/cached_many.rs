//! `#[cached]` on functions of many keys, and of regions that keep values as they are.

use std::fmt;
use std::sync::{Arc, LazyLock, Mutex};

use beaker::cache::{LoadError, Region, RegionOptions};
use beaker::{Backend, Cache, Error, ErrorKind, cached};

/// A table whose questions are noted.
#[derive(Default)]
struct Db(Mutex<Vec<Vec<u32>>>);

impl Db {
    fn asked(&self) -> Vec<Vec<u32>> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[cached(many = numbers, skip(db))]
fn names(db: &Db, numbers: &[u32], season: String) -> Result<Vec<String>, Error> {
    db.0.lock().unwrap().push(numbers.to_vec());
    Ok(numbers.iter().map(|number| format!("{number} of {season}")).collect())
}

#[test]
fn only_what_is_missing_is_asked_for() {
    let db = Db::default();
    let of = |numbers: &[u32], season: &str| names(&db, numbers, season.to_owned()).unwrap();
    assert_eq!(of(&[6, 5], "2007"), ["6 of 2007", "5 of 2007"]);
    assert_eq!(db.asked(), [[5, 6]]);
    assert_eq!(of(&[7, 5, 6, 7], "2007"), ["7 of 2007", "5 of 2007", "6 of 2007", "7 of 2007"]);
    assert_eq!(db.asked(), [[7]], "each once");
    assert_eq!(of(&[6], "2008"), ["6 of 2008"]);
    assert_eq!(db.asked(), [[6]], "the other arguments are a part of each key");
    assert!(of(&[], "2007").is_empty() && of(&[5], "2007") == ["5 of 2007"]);
    assert!(db.asked().is_empty());

    assert_eq!(names::get(&7, "2007".to_owned()).unwrap().unwrap(), "7 of 2007");
    names::set(&7, "2007".to_owned(), "Kimi".to_owned()).unwrap();
    assert!(names::invalidate(&5, "2007".to_owned()).unwrap());
    assert_eq!(of(&[5, 7], "2007"), ["5 of 2007", "Kimi"]);
    assert_eq!(db.asked(), [[5]]);
    assert_eq!(
        names::refresh(&db, &[7, 8], "2007".to_owned()).unwrap(),
        ["7 of 2007", "8 of 2007"]
    );
    assert_eq!(db.asked(), [[7, 8]]);
    assert_eq!(of(&[8, 7], "2007"), ["8 of 2007", "7 of 2007"]);
    assert!(db.asked().is_empty());
    assert_eq!(names::original(&db, &[1], "x".to_owned()).unwrap(), ["1 of x"]);
    assert!(names::cache().get(names::key(&1, "x".to_owned())).unwrap().is_none());
}

static IN_STORE: LazyLock<Cache<Option<u8>>> =
    LazyLock::new(|| Cache::new(Backend::memory(), "bytes"));

#[cached(cache = IN_STORE, many = texts, keep_if = Option::is_some)]
fn first_letters(texts: &[&str]) -> Result<Vec<Option<u8>>, Error> {
    if texts.contains(&"wrong") {
        return Ok(Vec::new());
    }
    Ok(texts.iter().map(|text| text.bytes().next()).collect())
}

#[test]
fn some_have_no_value() {
    assert_eq!(first_letters(&["a", ""]).unwrap(), [Some(b'a'), None]);
    assert_eq!(first_letters::get(&"a").unwrap(), Some(Some(b'a')));
    assert_eq!(first_letters::get(&"").unwrap(), None, "it is not kept");
    let error = first_letters(&["wrong", "too"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Creation);
    assert!(error.to_string().contains("2 values returned 0"), "{error}");
    let error = first_letters::refresh(&["wrong"]).unwrap_err();
    assert!(error.to_string().contains("1 values returned 0"), "{error}");
}

struct Team {
    names: Cache<String>,
    prefix: &'static str,
}

impl Team {
    #[cached(cache = self.names, many = numbers, skip(self))]
    fn drivers(&self, numbers: &[u8]) -> Result<Vec<String>, Error> {
        Ok(numbers.iter().map(|number| format!("{}{number}", self.prefix)).collect())
    }
}

#[test]
fn methods_have_many_keys_too() {
    let team = Team { names: Cache::in_memory(10), prefix: "Ferrari " };
    assert_eq!(team.drivers(&[6, 5]).unwrap(), ["Ferrari 6", "Ferrari 5"]);
    assert_eq!(team.drivers_get(&6).unwrap().unwrap(), "Ferrari 6");
    assert_eq!(team.names.stats().creations, 2);
}

static OBJECTS: LazyLock<Region> = LazyLock::new(|| Region::named("objects"));

/// No codec knows it.
#[derive(Debug)]
struct Standings(u16);

/// Nobody can make it of a `beaker::Error`.
#[derive(Debug)]
struct NoSuchSeason(u16);

impl fmt::Display for NoSuchSeason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there was no season {}", self.0)
    }
}

#[cached(region = OBJECTS, objects, ttl = "1h")]
fn standings(season: u16) -> Result<Arc<Standings>, LoadError<NoSuchSeason>> {
    match season {
        1950.. => Ok(Arc::new(Standings(season))),
        _ => Err(LoadError::new(NoSuchSeason(season))),
    }
}

#[test]
fn a_region_keeps_values_as_they_are() {
    assert!(matches!(standings(2007), Err(LoadError::Cache(_))), "it is not configured");
    OBJECTS.configure(RegionOptions::in_memory(10)).unwrap();
    let made = standings(2007).unwrap();
    assert!(Arc::ptr_eq(&made, &standings(2007).unwrap()) && made.0 == 2007);
    let error = standings(1949).unwrap_err();
    assert_eq!(error.loader().unwrap().0, 1949);
    assert_eq!(error.to_string(), "there was no season 1949");
}
