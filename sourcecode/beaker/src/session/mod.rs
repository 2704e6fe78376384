//! [`Sessions`] creates, opens and loads sessions; a [`Session`] holds the values of one visitor.
//!
//! Inside the module, a save goes from `handle` through `save` and `write` to `records`, and a load from
//! `load` to `records`. No file imports from a file further down in this list:
//!
//! | file | what is there |
//! |---|---|
//! | `id` | the id of a session |
//! | `kept` | what a session in Beaker's format has besides its values |
//! | `stored` | the stored form of a session |
//! | `life` | how long one session lasts |
//! | `changes` | the list of changes, to be undone or applied again |
//! | `turns` | one writer at a time, and further attempts |
//! | `events` | counters, and events for `tracing` |
//! | `beaker` | sessions as Python's Beaker writes them |
//! | `client_side` | sessions in cookies |
//! | `announcements` | how processes tell each other what they have written |
//! | `local_tier` | copies in memory, in front of a store |
//! | `options` | where sessions are kept, and their options |
//! | `fit` | whether the options fit together |
//! | `handle` | the copy of a session on which a program works |
//! | `typed` | values of the program's own types |
//! | `flash` | messages that are shown once |
//! | `csrf` | a token against request forgery |
//! | `lasting` | a session with its own timeout |
//! | `records` | the store as sessions see it |
//! | `load` | finding a session by its id or its cookie |
//! | `end` | ending a session, whatever other requests do with it |
//! | `users` | all sessions of a user |
//! | `write` | writing a session, and moving it to a new id |
//! | `save` | deciding what is to be done at a save, and doing it |
//! | `blocking` | the types for blocking programs |
//! | `asynchronous` | the types for asynchronous programs |

mod announcements;
#[cfg(feature = "tokio")]
mod asynchronous;
#[cfg(feature = "cookies")]
mod beaker;
mod blocking;
mod changes;
#[cfg(feature = "cookies")]
mod client_side;
mod csrf;
mod end;
mod events;
mod fit;
mod flash;
mod handle;
mod id;
mod kept;
mod lasting;
mod life;
mod load;
mod local_tier;
mod options;
mod records;
mod save;
mod stored;
mod turns;
mod typed;
mod users;
mod write;

#[cfg(feature = "tokio")]
pub use asynchronous::{AsyncSession, AsyncSessions};
#[cfg(feature = "python")]
pub use beaker::BeakerFormat;
pub use blocking::Session;
pub use events::SessionCounters;
pub use flash::Flash;
pub use handle::SessionState;
pub use id::SessionId;
pub use kept::Unreadable;
pub use life::Life;
#[cfg(feature = "middleware")]
pub(crate) use options::Manager;
pub(crate) use options::{DEFAULT_PER_USER, MOST_PER_USER};
pub use options::{OnStoreFailure, Sessions};
pub use stored::{Origin, Rejection, SessionData};
pub use users::{Device, DeviceHandle};
