//! [`Origin`]: where a setting came from.

use std::fmt;

/// Where a setting came from, for the one who has to go there and mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A pair that the program gave.
    Program,
    /// A place in a text, such as `line 3 of deploy.toml`.
    Place(String),
    /// A variable of the environment, and the prefix that all of ours have.
    Variable { name: String, prefix: String },
}

impl Origin {
    /// The key as it is written there.
    pub(super) fn spell(&self, key: &str) -> String {
        match self {
            Origin::Variable { prefix, .. } => {
                format!("{prefix}{}", key.replace('.', "__").to_uppercase())
            }
            Origin::Program | Origin::Place(_) => key.into(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Program => f.write_str("from the program"),
            Origin::Place(place) => f.write_str(place),
            Origin::Variable { name, .. } => write!(f, "environment variable {name}"),
        }
    }
}
