//! How long the tests of races, kills and damage are: a part of it by default, more with
//! `BEAKER_LONG_TESTS=1`, as in CI, and all of it, in hours, with `BEAKER_FULL_TESTS=1`.

/// By default, in CI, and in full.
pub(crate) fn length<T>(short: T, long: T, full: T) -> T {
    let is_set = |name| std::env::var_os(name).is_some();
    match (is_set("BEAKER_FULL_TESTS"), is_set("BEAKER_LONG_TESTS")) {
        (true, _) => full,
        (_, true) => long,
        (_, false) => short,
    }
}
