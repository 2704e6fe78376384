//! `cache`: lists the keys of one, counts what is in it, invalidates it.

use beaker::cache::{Cache, Region, RegionOptions};
use beaker::config::CacheConfig;
use beaker::key::Namespace;
use beaker::record::Record;
use beaker::store::Store;
use beaker::{Backend, Clock, Error, ErrorKind, Result, SystemClock};
use inspect::{Caches, Place, Which, Yes};

use crate::place::{check, described, each_key, read};
use crate::{ago, confirmed, plain};

/// Does what was asked for.
pub fn run(command: Caches) -> Result<()> {
    match command {
        Caches::Keys { most, which, place } => Room::open(&which, &place)?.keys(most),
        Caches::Stats { which, place } => Room::open(&which, &place)?.stats(),
        Caches::Invalidate { which, yes, place } => Room::open(&which, &place)?.invalidate(&yes),
    }
}

/// A cache, or a whole region, and where it is.
struct Room {
    backend: Backend,
    cache: Option<String>,
    region: Option<String>,
    place: String,
}

impl Room {
    fn open(which: &Which, place: &Place) -> Result<Room> {
        let config = read(place, "cache")?.cache;
        let (cache, region) = (which.cache.clone(), which.region.clone());
        if cache.is_none() && region.is_none() {
            let what = "say which cache: `--cache` and its name, and `--region` if it is in one";
            return Err(Error::new(ErrorKind::Config, what));
        }
        let (backend, prefix) = chosen(&config, region.as_deref())?;
        let place = described(&config.to_string(), &prefix);
        Ok(Room { backend, cache, region, place })
    }

    fn keys(&self, most: usize) -> Result<()> {
        let (mut count, mut is_cut) = (0, false);
        let unnamed = each_key(&**self.backend.store(), &self.namespace()?, |keys| {
            for key in keys {
                if count >= most {
                    is_cut = true;
                    return Ok(false);
                }
                println!("{}", plain(key.name()));
                count += 1;
            }
            Ok(true)
        })?;
        let more = if is_cut { ", and there are more: `--most` says how many to list" } else { "" };
        println!("{count} keys of {} in {}{more}", self.named(), self.place);
        if unnamed > 0 {
            println!("{unnamed} more are kept under a hash of their name, which is not known here");
        }
        Ok(())
    }

    fn stats(&self) -> Result<()> {
        let store: &dyn Store = &**self.backend.store();
        let (mut values, mut bytes, mut fresh, mut others) = (0_u64, 0_usize, 0_u64, 0_u64);
        let (mut oldest, mut newest) = (None, None);
        let now = SystemClock.now();
        let unnamed = each_key(store, &self.namespace()?, |keys| {
            for stored in store.get_many(keys)?.into_iter().flatten() {
                let Some(record) = Record::read(&stored.bytes) else {
                    others += 1;
                    continue;
                };
                let header = record.header;
                values += 1;
                bytes += stored.bytes.len();
                fresh += u64::from(header.fresh_until.is_none_or(|until| until > now));
                oldest = oldest.into_iter().chain([header.stored_at]).min();
                newest = newest.into_iter().chain([header.stored_at]).max();
            }
            Ok(true)
        })?;
        println!("{} in {}", self.named(), self.place);
        println!("values   {values}, in {bytes} bytes");
        println!("fresh    {fresh}; the others are given while new ones are made, or not at all");
        if let (Some(oldest), Some(newest)) = (oldest, newest) {
            println!("made     {} to {}", ago(oldest, now), ago(newest, now));
        }
        if others > 0 {
            println!("others   {others} that are no values of a cache, or damaged");
        }
        if unnamed > 0 {
            println!("unnamed  {unnamed} under a hash of their name, which are not counted above");
        }
        Ok(())
    }

    fn invalidate(&self, yes: &Yes) -> Result<()> {
        confirmed(yes, &format!("invalidate all of {} in {}", self.named(), self.place))?;
        match (&self.region, &self.cache) {
            (None, Some(cache)) => Cache::<()>::new(self.backend.clone(), cache).invalidate()?,
            (Some(name), cache) => {
                let region = Region::named(name);
                region.configure(RegionOptions::new(self.backend.clone()))?;
                match cache {
                    Some(cache) => region.cache::<()>(cache)?.invalidate()?,
                    None => region.invalidate()?,
                }
            }
            (None, None) => {}
        }
        println!("invalidated all of {}", self.named());
        Ok(())
    }

    /// What the values of the cache are under.
    fn namespace(&self) -> Result<Namespace> {
        match (&self.region, &self.cache) {
            (Some(region), Some(cache)) => Ok(Namespace::new(&format!("{region}.{cache}"))),
            (None, Some(cache)) => Ok(Namespace::new(cache)),
            (_, None) => {
                let what = "say which cache of the region: `--cache` and its name";
                Err(Error::new(ErrorKind::Config, what))
            }
        }
    }

    fn named(&self) -> String {
        let cache =
            self.cache.as_ref().map(|name| format!("the cache `{}`", plain(name.as_bytes())));
        let region =
            self.region.as_ref().map(|name| format!("the region `{}`", plain(name.as_bytes())));
        let parts: Vec<String> = cache.into_iter().chain(region).collect();
        parts.join(" of ")
    }
}

/// The backend of the region, or that of caches of no region, and what its options begin with.
fn chosen(config: &CacheConfig, region: Option<&str>) -> Result<(Backend, String)> {
    let own = region.and_then(|name| Some((name, config.regions.get(name)?)));
    if let Some(name) = region.filter(|_| own.is_none() && !config.regions.is_empty()) {
        let names: Vec<String> = config.regions.keys().map(|name| format!("`{name}`")).collect();
        let name = plain(name.as_bytes());
        let what = format!("there is no region `{name}`; there are {}", names.join(", "));
        return Err(Error::new(ErrorKind::Config, what));
    }
    let (config, prefix) = match own {
        Some((name, region)) => (region, format!("cache.{name}.")),
        None => (&config.default, "cache.".to_owned()),
    };
    check(&config.backend)?;
    Ok((config.backend.open()?, prefix))
}
