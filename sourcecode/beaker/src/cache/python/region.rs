//! [`SharedRegion`]: what a region has that Python shares.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Form, Place, SharedFormat};
#[cfg(feature = "tokio")]
use crate::backend::AnyBackend;
use crate::cache::engine::Engine;
use crate::cache::region_options::RegionOptions;
use crate::cache::storage::{Marks, Terms};
use crate::clock::Timestamp;
use crate::codec::Codec;
use crate::error::Result;

/// The form of the entries, where they are, and what was invalidated.
pub(in crate::cache) struct SharedRegion {
    format: SharedFormat,
    place: Place,
    marks: Arc<Marks>,
}

impl SharedRegion {
    /// Opens the place of the entries, if the region is shared.
    pub(in crate::cache) fn open(
        region: &str,
        options: &RegionOptions,
    ) -> Result<Option<SharedRegion>> {
        let open = |format: &SharedFormat| {
            let place = Place::of(&options.backend, region, format)?;
            Ok(SharedRegion { format: format.clone(), place, marks: Arc::default() })
        };
        options.shared.as_ref().map(open).transpose()
    }

    /// Opens a cache of values that serde encodes.
    pub(in crate::cache) fn cache<V>(
        &self,
        name: &str,
        full_name: &str,
        options: &RegionOptions,
    ) -> Engine<V>
    where
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    {
        self.engine(name, full_name, options, self.format.form(&self.place))
    }

    /// Opens a cache of values that this codec encodes.
    pub(in crate::cache) fn cache_of<V: Clone + Send + Sync + 'static>(
        &self,
        name: &str,
        full_name: &str,
        options: &RegionOptions,
        codec: impl Codec<V>,
    ) -> Result<Engine<V>> {
        let form = self.format.form_of(codec)?;
        Ok(self.engine(name, full_name, options, form))
    }

    fn engine<V: Clone + Send + Sync + 'static>(
        &self,
        name: &str,
        full_name: &str,
        options: &RegionOptions,
        form: Arc<dyn Form<V>>,
    ) -> Engine<V> {
        let terms = Terms {
            keys: self.format.keys(options.key_mangler.0.clone(), name, &self.place),
            form,
            stored_for: self.format.stored_for(),
            all: self.format.all(name, &self.place),
            region: Arc::clone(&self.marks),
        };
        Engine::shared_with_python(self.place.backend.clone(), full_name, terms)
    }

    /// Invalidates all entries that were made until now, for this process.
    pub(in crate::cache) fn invalidate(&self, is_soft: bool, now: Timestamp) {
        self.marks.invalidate(now, is_soft);
    }

    #[cfg(feature = "tokio")]
    pub(in crate::cache) fn backend_for_tasks(&self) -> AnyBackend {
        self.place.for_tasks()
    }
}
