//! What an output is made of.

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Compared to the letter.
    Text(String),
    /// Stands for itself: only where it appears again counts.
    Name(Sort, String),
    /// Microseconds since 1970, of which only the order counts.
    Time(u64),
    /// The first characters of an id, so many of them.
    Beginning(String, usize),
}

/// Names of one sort are numbered together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Id,
    Signature,
    Port,
    Version,
}

impl Sort {
    pub(super) fn word(self) -> &'static str {
        match self {
            Sort::Id => "id",
            Sort::Signature => "signature",
            Sort::Port => "port",
            Sort::Version => "version",
        }
    }
}

impl Piece {
    pub(super) fn text(text: impl Into<String>) -> Piece {
        Piece::Text(text.into())
    }

    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Piece::Name(Sort::Id, id) => Some(id),
            _ => None,
        }
    }
}
