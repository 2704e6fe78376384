//! [`Session`]: the values of one visitor, and [`Sessions`], which makes, opens and loads them.
//!
//! A save goes from `handle` over `save` and `write` to `records`; a load from `load` to `records`. No file
//! imports from one that is further down in this list:
//!
//! | file | what is there |
//! |---|---|
//! | `id` | what a session is known by |
//! | `stored` | what is stored of it |
//! | `life` | how long one session lasts |
//! | `changes` | what was changed, to be undone or made again |
//! | `turns` | one writer at a time, and further tries |
//! | `events` | what `tracing` is told |
//! | `client_side` | sessions in cookies |
//! | `options` | where sessions are kept, and by which rules |
//! | `handle` | what a program holds of a session |
//! | `typed` | values of the program's own types |
//! | `flash` | messages that are shown once |
//! | `csrf` | a token that pages of other sites cannot read |
//! | `lasting` | a life of its own |
//! | `records` | the store as sessions see it |
//! | `load` | finding a session by its id or its cookie |
//! | `end` | ending it, whatever others do with it |
//! | `users` | all sessions of a user |
//! | `write` | writing it, and moving it to a new id |
//! | `save` | deciding what is to be done, and doing it |
//! | `blocking` | all of that for programs whose threads wait |
//! | `asynchronous` | and for those whose tasks do |

#[cfg(feature = "tokio")]
mod asynchronous;
mod blocking;
mod changes;
#[cfg(feature = "cookies")]
mod client_side;
mod csrf;
mod end;
mod events;
mod flash;
mod handle;
mod id;
mod lasting;
mod life;
mod load;
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
pub use blocking::Session;
pub use events::SessionCounters;
pub use flash::Flash;
pub use handle::SessionState;
pub use id::SessionId;
pub use life::Life;
#[cfg(feature = "middleware")]
pub(crate) use options::Manager;
pub(crate) use options::{DEFAULT_PER_USER, MOST_PER_USER};
pub use options::{OnStoreFailure, Sessions};
pub use stored::{Origin, Rejection, SessionData, Unreadable};
pub use users::{Device, DeviceHandle};
