//! [`Origin`]: where a session came from, for logs.

/// Where a session came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was made here: no cookie of ours was sent.
    New,
    /// It was loaded from the store.
    Loaded,
    /// A cookie of ours was sent and led to nothing, so this one is new.
    Rejected(Rejection),
}

/// Why a cookie led to no session. None of these is an error to the visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// No key of ours signed it: forged, cut, or signed with a key that was dropped.
    Signature,
    /// What was signed is no session's id.
    Id,
    /// Nothing is stored under the id: it was deleted, or has expired.
    Unknown,
    /// The session has a new id since a moment ago, and there is no [`grace`](super::Sessions::grace) in
    /// which the old one still leads to it. The cookie with the new id may be on its way to the browser, so
    /// this one is not removed there.
    Moved,
    /// What is stored is damaged, or in a codec that nobody knows here.
    Damaged,
    /// It was not used for longer than the time-out.
    TimedOut,
    /// It began longer ago than its lifetime.
    TooOld,
}
