//! Nothing but a place: `cargo run -- exercise start 0` puts a program of yours into `src/bin/`, and the
//! page does so with what you edit in it. git does not look there.
