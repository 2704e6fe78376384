//! [`macro@needs`]: a test that needs a server is *ignored* where there is none, and the run says how many
//! were. One that passed without having tested anything would be a lie.

use proc_macro::{TokenStream, TokenTree};

/// Ignores a test on a machine without `memcached`, `redis`, `postgresql`, `nginx`, `python3` or a `small_disk`, and
/// says what to install. It stands before `#[test]`. What the machine has is found out when this crate is compiled.
///
/// With `BEAKER_REQUIRE_SERVERS=1` nothing is ignored, so that a missing server is a failure.
///
/// ```ignore
/// #[servers::needs(redis)]
/// #[test]
/// fn a_cluster_is_found() { /* ... */ }
/// ```
#[proc_macro_attribute]
pub fn needs(what: TokenStream, test: TokenStream) -> TokenStream {
    let (is_missing, why) = match what.to_string().as_str() {
        "memcached" => (cfg!(missing_memcached), "no memcached here: apt-get install memcached"),
        "redis" => (cfg!(missing_redis), "no redis-server here: apt-get install redis-server"),
        "postgresql" => {
            (cfg!(missing_postgresql), "no PostgreSQL here: apt-get install postgresql")
        }
        "nginx" => (cfg!(missing_nginx), "no nginx here: apt-get install nginx"),
        "python3" => (cfg!(missing_python3), "no python3 here: apt-get install python3"),
        "small_disk" => (cfg!(missing_small_disk), "no disk can be mounted here with `unshare`"),
        _ => {
            return error(
                "there are `memcached`, `redis`, `postgresql`, `nginx`, `python3` and `small_disk`",
            );
        }
    };
    if !is_test(test.clone()) {
        return error("`#[needs(..)]` stands before the `#[test]` of a function");
    }
    if !is_missing {
        return test;
    }
    let ignore = format!("#[ignore = {why:?}]").parse::<TokenStream>();
    ignore.into_iter().chain([test]).collect()
}

/// Whether `#[test]` is among what follows.
fn is_test(item: TokenStream) -> bool {
    item.into_iter().any(|token| match token {
        TokenTree::Group(group) => group.stream().to_string() == "test",
        _ => false,
    })
}

fn error(message: &str) -> TokenStream {
    format!("compile_error!({message:?});").parse().unwrap_or_default()
}
