//! Layers on a store: what is stored is compressed, encrypted or counted, and whoever uses the store
//! sees none of it.
//!
//! ```
//! use beaker::layer::{Layers, Transform};
//! use beaker::store::MemoryStore;
//! use beaker::{Backend, key::Key, Result};
//!
//! /// Puts a mark before each value, so that those of older releases count as nothing.
//! #[derive(Debug)]
//! struct Release(u8);
//!
//! impl Transform for Release {
//!     fn pack(&self, _: &Key, bytes: &[u8]) -> Result<Vec<u8>> {
//!         Ok([&[self.0], bytes].concat())
//!     }
//!
//!     fn unpack(&self, _: &Key, stored: &[u8]) -> Option<Vec<u8>> {
//!         let (release, bytes) = stored.split_first()?;
//!         (*release == self.0).then(|| bytes.to_vec())
//!     }
//! }
//!
//! let backend = Backend::memory().wrap_store(|store| store.layer(Release(7)));
//! # let _ = backend;
//! ```
//!
//! A layer of your own is these two functions. [`Layered`] puts them on every way to the store and
//! back, single operations and batches, so none is left out. It takes an
//! [`AsyncStore`](crate::store::AsyncStore) as well: `Layered::new(store, Release(7))`.
//!
//! | layer | what it does | feature |
//! |---|---|---|
//! | [`Counting`] | counts operations, bytes, time | |
//! | `Compress` | stores less | `layers` |
//! | `Encrypt` | stores what nobody else can read or make | `layers` |
//!
//! # The order
//!
//! A layer wraps what is before it, and sees a value before that does when one is written. What is
//! encrypted cannot be compressed, so encrypting comes first here, next to the store:
//!
//! ```
//! # #[cfg(feature = "layers")]
//! # fn main() -> beaker::Result<()> {
//! use beaker::layer::{Compress, Encrypt, Layers};
//! use beaker::store::MemoryStore;
//!
//! let secret = "b07c2b9e3a9c4c7d8c6f2f4a1e5d9b38b07c2b9e3a9c4c7d8c6f2f4a1e5d9b38";
//! let store = MemoryStore::new().layer(Encrypt::new([secret])?).layer(Compress::default());
//! # let _ = store;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "layers"))]
//! # fn main() {}
//! ```

#[cfg(feature = "layers")]
mod compress;
#[cfg(feature = "conformance")]
pub mod conformance;
mod counting;
#[cfg(feature = "layers")]
mod encrypt;
mod layered;
mod numbers;

use std::fmt::Debug;

#[cfg(feature = "layers")]
pub use compress::Compress;
pub use counting::Counting;
#[cfg(feature = "layers")]
pub use encrypt::Encrypt;
pub use layered::Layered;
pub use numbers::StoreNumbers;

use crate::error::Result;
use crate::key::Key;
use crate::store::Store;

/// What is stored in the place of a value's bytes. Its promises are a suite in `layer::conformance`
/// (feature `conformance`).
pub trait Transform: Debug + Send + Sync + 'static {
    /// What to store for these bytes under this key.
    ///
    /// # Errors
    ///
    /// `ErrorKind::TooLarge` for more bytes than [`unpack`](Transform::unpack) would give back. Then
    /// nothing is written.
    fn pack(&self, key: &Key, bytes: &[u8]) -> Result<Vec<u8>>;

    /// The bytes that `pack` was given for this key. `None` for whatever it never made: what is stored
    /// may be damaged, older than the layer, or made by somebody who wants harm. So it never panics,
    /// and takes no more memory than it was told to.
    fn unpack(&self, key: &Key, stored: &[u8]) -> Option<Vec<u8>>;
}

/// Layers for any store.
pub trait Layers: Store + Sized {
    /// This store, with each value transformed on its way in and out.
    fn layer<T: Transform>(self, transform: T) -> Layered<Self, T> {
        Layered::new(self, transform)
    }

    /// This store, with what is done with it counted. Keep the numbers at hand in an `Arc`: see
    /// [`Counting`].
    fn counted(self) -> Counting<Self> {
        Counting::new(self)
    }
}

impl<S: Store> Layers for S {}
