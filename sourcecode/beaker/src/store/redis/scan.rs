//! [`Scan`]: goes through the keys of all servers, in steps that each have a deadline.

use std::time::Duration;

use super::command::{self, Command};
use super::server::{Failure, Kind};
use super::servers::{Place, Servers};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Namespace;
use crate::store::listing::{foreign, unlisted};
use crate::store::{KeyCursor, deadline};

/// The keys that match a pattern.
pub(super) struct Scan<'a> {
    pub(super) servers: &'a Servers,
    pub(super) deadline: Duration,
    /// For messages.
    pub(super) namespace: &'a Namespace,
    pub(super) pattern: String,
    /// Which of the keys that match are meant.
    pub(super) is_meant: fn(&str) -> bool,
}

impl Scan<'_> {
    /// Returns about `most` keys, and where the next ones begin.
    pub(super) async fn page(
        &self,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<(Vec<String>, Option<KeyCursor>)> {
        let namespace = self.namespace;
        let (at, mut cursor) = match from.map(KeyCursor::as_str) {
            None => (None, 0),
            Some(text) => {
                let read = text.rsplit_once(' ');
                let read = read.and_then(|(at, cursor)| Some((at, cursor.parse().ok()?)));
                read.map(|(at, cursor)| (Some(at), cursor))
                    .ok_or_else(|| from.map_or_else(|| unlisted(namespace), foreign))?
            }
        };
        let failed = |failure: Failure| failure.named(&format!("could not list {namespace:?}"));
        let mut places = self.places().await.map_err(failed)?;
        places.sort_by_key(Place::id);
        let begin = match at {
            None => 0,
            // The keys of that server may have moved to any of the others.
            Some(at) => places.iter().position(|place| place.id() == at).ok_or_else(|| {
                let what = format!(
                    "could not go on to list {namespace:?}: the server at {at} is no master of \
                                    the cluster any more; begin again"
                );
                Error::new(ErrorKind::Unavailable, what)
            })?,
        };
        let mut all = Vec::new();
        for place in &places[begin..] {
            loop {
                if all.len() >= most.max(1) {
                    let next = KeyCursor::new(format!("{} {cursor}", place.id()));
                    return Ok((all, Some(next)));
                }
                let (next, keys) = self.step(place, cursor).await.map_err(failed)?;
                all.extend(keys);
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
        }
        Ok((all, None))
    }

    /// Removes all of them.
    pub(super) async fn clear(&self) -> Result<()> {
        let failed =
            |failure: Failure| failure.named(&format!("could not clear {:?}", self.namespace));
        for place in self.places().await.map_err(failed)? {
            self.clear_place(&place).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn clear_place(&self, place: &Place) -> Result<(), Failure> {
        let mut cursor = 0_u64;
        loop {
            let (next, keys) = self.step(place, cursor).await?;
            let unlinks = keys.iter().map(|key| (key.as_str(), Command::delete(key, None).cmd));
            let until = deadline::end(self.deadline);
            self.servers.run_many(unlinks.collect(), Kind::Write, until).await?;
            cursor = next;
            if cursor == 0 {
                return Ok(());
            }
        }
    }

    async fn step(&self, place: &Place, cursor: u64) -> Result<(u64, Vec<String>), Failure> {
        let scan = Command::scan(cursor, &self.pattern);
        let found = place.read(&scan, deadline::end(self.deadline)).await?;
        let page = command::page(found).map_err(|error| Failure::new(place.name(), error));
        let (next, mut keys) = page?;
        keys.retain(|key| (self.is_meant)(key));
        Ok((next, keys))
    }

    async fn places(&self) -> Result<Vec<Place>, Failure> {
        self.servers.all(deadline::end(self.deadline)).await
    }
}
