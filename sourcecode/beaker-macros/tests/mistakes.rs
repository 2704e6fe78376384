//! What is wrong about a `#[cached]` function is said by the compiler, with what to write instead.
//!
//! The files beside those of `tests/mistakes/` hold what is said; `TRYBUILD=overwrite` writes them anew.

#[test]
fn each_mistake_says_what_to_write() {
    trybuild::TestCases::new().compile_fail("tests/mistakes/*.rs");
}
