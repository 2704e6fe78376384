//! What happens to sessions, told to whoever listens (feature `tracing`). Without the feature, each of
//! these is nothing at all.

#[cfg(feature = "tracing")]
mod counters;
#[cfg(feature = "tracing")]
mod told;
#[cfg(not(feature = "tracing"))]
mod untold;

#[cfg(feature = "tracing")]
pub use counters::SessionCounters;
#[cfg(feature = "tracing")]
pub(super) use told::Events;
#[cfg(not(feature = "tracing"))]
pub(super) use untold::Events;
