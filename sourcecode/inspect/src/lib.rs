//! What can be asked about the sessions and the caches in a backend: the words of the commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `sessions`: looks at sessions, and ends them.
#[derive(Debug, Subcommand)]
pub enum Sessions {
    /// Lists sessions: the beginning of the id, whose it is, when it began and was used last
    List {
        /// How many at most
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        most: usize,
        /// Where they are.
        #[command(flatten)]
        place: Place,
    },
    /// Shows one session: `show 1f3a9c20 type=file data_dir=./sessions`
    Show {
        /// The id, or as much of its beginning as no other has
        id: String,
        /// Shows the values too; tokens, passwords and the like stay hidden
        #[arg(long)]
        values: bool,
        /// Where they are.
        #[command(flatten)]
        place: Place,
    },
    /// Ends one session, `end 1f3a9c20 type=…`, or with `--user` all of a user, who is then logged out
    End {
        /// Ends all sessions of this user
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// Whether it is meant.
        #[command(flatten)]
        yes: Yes,
        /// Where they are.
        #[command(flatten)]
        place: Place,
    },
    /// Ends all sessions: all visitors are logged out
    Clear {
        /// Whether it is meant.
        #[command(flatten)]
        yes: Yes,
        /// Where they are.
        #[command(flatten)]
        place: Place,
    },
}

/// `cache`: looks at caches, and invalidates what is in them.
#[derive(Debug, Subcommand)]
pub enum Caches {
    /// Lists the keys of a cache
    Keys {
        /// How many at most
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        most: usize,
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// Where they are.
        #[command(flatten)]
        place: Place,
    },
    /// Counts the values of a cache, their bytes, and how many are fresh
    Stats {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// Where they are.
        #[command(flatten)]
        place: Place,
    },
    /// Makes all values of a cache, or of a region, count as gone, for all processes that use it
    Invalidate {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// Whether it is meant.
        #[command(flatten)]
        yes: Yes,
        /// Where they are.
        #[command(flatten)]
        place: Place,
    },
}

/// Where the sessions or the caches are.
#[derive(Debug, Args)]
pub struct Place {
    /// Reads the settings of the program from this file, in TOML or INI; then the words that follow
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The section of a file in INI
    #[arg(long, default_value = "app:main", requires = "config")]
    pub section: String,
    /// The namespace of the sessions, where the program has set one
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    pub namespace: String,
    /// The backend and its options, named as in the configuration: `type=ext:redis url=redis://host`
    #[arg(value_name = "NAME=VALUE")]
    pub words: Vec<String>,
}

/// Which cache.
#[derive(Debug, Args)]
pub struct Which {
    /// The name of the cache, as the program opens it
    #[arg(long, value_name = "NAME")]
    pub cache: Option<String>,
    /// The region that it is in, if it is in one
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
}

/// Whether it is meant.
#[derive(Debug, Args)]
pub struct Yes {
    /// Does it; without this, the command only says what it would do
    #[arg(long)]
    pub yes: bool,
}
