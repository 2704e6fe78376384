//! Rate limiters from a configuration: what they allow, all that can be wrong with them at once, and how they
//! are printed.

use std::sync::Arc;
use std::time::Duration;

use beaker::config::{Config, LimitConfig, Settings};
use beaker::limit::{OnStoreFailure, RateLimit};
use beaker::{ErrorKind, ManualClock, Timestamp};
use proptest::collection::btree_map;
use proptest::option;
use proptest::prelude::*;

type Pairs<'a> = &'a [(&'a str, &'a str)];

const LOGIN: [(&str, &str); 2] = [("limit.log-in.limit", "5"), ("limit.log-in.window", "60")];

fn read(pairs: Pairs<'_>) -> beaker::Result<Config> {
    Settings::from_pairs(pairs.iter().copied()).read()
}

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&LOGIN, more].concat()
}

#[track_caller]
fn wrong(pairs: Pairs<'_>, lines: &[&str]) {
    let error = read(pairs).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let message = error.to_string().replace(" (from the program)", "");
    let found: Vec<&str> = message.lines().skip(1).map(str::trim).collect();
    assert_eq!(found, lines);
}

fn limiters(config: &LimitConfig) -> Vec<(&str, RateLimit, OnStoreFailure)> {
    let all = config.limiters.iter();
    all.map(|(name, it)| (name.as_str(), it.rule, it.on_store_failure)).collect()
}

#[test]
fn both_rules_and_what_all_limiters_inherit() {
    let pairs = with(&[
        ("limit.on_store_failure", "Allow"),
        ("limit.pages.rule", "token_bucket"),
        ("limit.pages.burst", "20"),
        ("limit.pages.refill", "10"),
        ("limit.log-in.on_store_failure", "fail"),
    ]);
    let config = read(&pairs).unwrap().limit;
    let (minute, refill) = (Duration::from_secs(60), Duration::from_secs(10));
    assert_eq!(
        limiters(&config),
        [
            ("log-in", RateLimit::fixed_window(5, minute), OnStoreFailure::Fail),
            ("pages", RateLimit::token_bucket(20, refill), OnStoreFailure::Allow),
        ]
    );
    assert!(read(&[]).unwrap().limit.limiters.is_empty());
}

#[test]
fn they_count() {
    let limiters = read(&LOGIN).unwrap().limit.open().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_040_000_000)));
    let attempts = limiters.get("log-in").unwrap().with_clock(clock.clone());
    for left in (0..5).rev() {
        assert_eq!(attempts.check("Kimi").unwrap().remaining, left);
    }
    let refused = attempts.check("Kimi").unwrap();
    assert_eq!((refused.allowed, refused.limit), (false, 5));
    clock.advance(refused.retry_after.unwrap());
    assert!(attempts.check("Kimi").unwrap().allowed);
    // The same limiter, asked for again.
    let again = limiters.get("log-in").unwrap().with_clock(clock);
    assert_eq!(again.check("Kimi").unwrap().remaining, 3);
}

#[test]
fn one_that_there_is_not_is_named_with_its_cure() {
    let limiters = read(&LOGIN).unwrap().limit.open().unwrap();
    let error = |name| limiters.get(name).unwrap_err();
    assert_eq!(error("login").kind(), ErrorKind::Config);
    let message = "the configuration has no rate limiter `login`; did you mean `log-in`?";
    assert_eq!(error("login").to_string(), message);
    let message = "the configuration has no rate limiter `pages`; set `limit.pages.limit` and \
                   `limit.pages.window`";
    assert_eq!(error("pages").to_string(), message);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    wrong(
        &[
            ("session.timeout", "soon"),
            ("limit.window", "60"),
            ("limit.type", "ext:redsi"),
            ("limit.log-in.limit", "0"),
            ("limit.log-in.burst", "7"),
            ("limit.log-in.widnow", "60"),
            ("limit.pages.rule", "leaky_bucket"),
            ("limit.pages.burst", "7"),
            ("limit.api.rule", "token_bucket"),
            ("limit.api.burst", "4294967296"),
            ("limit.api.refill", "1.5"),
            ("limit.api.window", "60"),
            ("limit.a/b.limit", "1"),
            ("limit.a/b.window", "1"),
            ("limits.api.window", "60"),
        ],
        &[
            "limits.api.window = 60: options begin with `session.`, `cache.` or `limit.`; did you mean \
             `limit.api.window`?",
            "session.timeout = soon: allowed are whole seconds, 1 to 3153600000 (100 years), and `never`",
            "limit.a/b.limit = 1: the name of a limiter has letters, digits, `_` and `-`",
            "limit.type = ext:redsi: there is no such backend; did you mean `ext:redis`?",
            "limit.window = 60: it is the rule of one limiter: `limit.NAME.window`",
            "limit.api.burst = 4294967296: allowed is a whole number, 1 to 4294967295",
            "limit.api.refill = 1.5: allowed are whole seconds, 1 to 3153600000 (100 years)",
            "limit.api.window = 60: it is for `rule = fixed_window`; leave it out",
            "limit.log-in.limit = 0: allowed is a whole number, 1 to 4294967295",
            "limit.log-in.widnow = 60: there is no such option; did you mean `limit.log-in.window`?",
            "limit.log-in.burst = 7: it is for `rule = token_bucket`; leave it out",
            "limit.log-in.window is missing: `rule = fixed_window` needs `limit` and `window`",
            "limit.pages.rule = leaky_bucket: allowed are `fixed_window`, `token_bucket`",
        ],
    );
}

#[test]
fn what_says_nothing_is_refused() {
    let what = "there is no limiter that takes it over; name one, as in `limit.log-in.limit`, or \
                leave it out";
    let pairs =
        [("limit.type", "file"), ("limit.data_dir", "x"), ("limit.on_store_failure", "allow")];
    wrong(
        &pairs,
        &[
            &format!("limit.data_dir = x: {what}"),
            &format!("limit.type = file: {what}"),
            &format!("limit.on_store_failure = allow: {what}"),
        ],
    );
    let only = "the backend `memory` has only max_entries, max_bytes; leave it out";
    wrong(&with(&[("limit.url", "h")]), &[&format!("limit.url = h: {only}")]);
    wrong(&with(&[("limit.log-in.url", "h")]), &[&format!("limit.log-in.url = h: {only}")]);
    let file = with(&[("limit.log-in.type", "file")]);
    wrong(&file, &["limit.log-in.data_dir is missing: the backend `file` needs `data_dir`"]);
    wrong(
        &with(&[("limit.tpye", "file")]),
        &["limit.tpye = file: there is no such option; did you mean `limit.type`?"],
    );
}

#[cfg(feature = "redis")]
#[test]
fn they_are_printed_without_passwords_and_read_again() {
    let url = "redis://:swordfish@127.0.0.1:1/";
    let pairs = with(&[
        ("limit.type", "ext:redis"),
        ("limit.url", url),
        ("limit.pages.rule", "token_bucket"),
        ("limit.pages.burst", "20"),
        ("limit.pages.refill", "10"),
        ("limit.pages.type", "memory"),
    ]);
    let config = read(&pairs).unwrap();
    assert_eq!(
        config.limit.to_string(),
        "limit.log-in.deadline = 2000  # default
limit.log-in.limit = 5
limit.log-in.on_store_failure = fail  # default
limit.log-in.rule = fixed_window  # default
limit.log-in.type = ext:redis
limit.log-in.url = redis://:(hidden, 9 characters)@127.0.0.1:1/
limit.log-in.window = 60
limit.pages.burst = 20
limit.pages.on_store_failure = fail  # default
limit.pages.refill = 10
limit.pages.rule = token_bucket
limit.pages.type = memory  # default"
    );
    let all = config.to_string();
    assert!(all.contains("\nlimit.pages.burst = 20\n") && !all.contains("swordfish"), "{all}");
    assert!(!format!("{config:?}").contains("swordfish"));
    let again = config.limit.to_string().replace("(hidden, 9 characters)", "swordfish");
    assert_eq!(again.parse::<Settings>().unwrap().read().unwrap().limit, config.limit);
    assert!(!read(&[]).unwrap().to_string().contains("limit."));
}

#[cfg(feature = "redis")]
#[test]
fn limiters_of_one_store_share_it_in_both_worlds() {
    let server = servers::Redis::for_programs().unwrap();
    let url = server.url();
    let pairs = with(&[
        ("limit.type", "ext:redis"),
        ("limit.url", &url),
        ("limit.pages.limit", "2"),
        ("limit.pages.window", "3600"),
    ]);
    let config = read(&pairs).unwrap().limit;
    // Names of other limiters are other counts.
    let name = format!("Kimi {}", beaker::SessionId::random());
    let blocking = config.open().unwrap();
    assert_eq!(blocking.get("pages").unwrap().check(&name).unwrap().remaining, 1);
    assert_eq!(blocking.get("log-in").unwrap().check(&name).unwrap().remaining, 4);
    #[cfg(feature = "redis-async")]
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let limiters = config.open_async().unwrap();
            assert_eq!(limiters.get("pages").unwrap().check(&name).await.unwrap().remaining, 0);
            assert!(!limiters.get("pages").unwrap().check(&name).await.unwrap().allowed);
        });
    }
}

fn limiter() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    // Of seconds there are fewer: a hundred years.
    let number = |name| (1..=3_153_600_000_u32).prop_map(move |number| (name, number.to_string()));
    let window = (number("limit"), number("window")).prop_map(|(limit, time)| vec![limit, time]);
    let bucket = (number("burst"), number("refill"))
        .prop_map(|(burst, time)| vec![("rule", "token_bucket".to_owned()), burst, time]);
    let failure = option::of(prop_oneof![Just("fail"), Just("allow")]);
    (prop_oneof![window, bucket], failure).prop_map(|(mut all, failure)| {
        all.extend(failure.map(|what| ("on_store_failure", what.to_owned())));
        all
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(
        limiters in btree_map("[a-z_0-9-]{1,8}", limiter(), 0..4),
    ) {
        let pairs = limiters.iter().flat_map(|(name, options)| {
            options.iter().map(move |(option, value)| (format!("limit.{name}.{option}"), value.clone()))
        });
        let config = Settings::from_pairs(pairs).read().unwrap();
        prop_assert_eq!(config.limit.limiters.len(), limiters.len());
        let again = config.to_string().parse::<Settings>().unwrap().read().unwrap();
        prop_assert_eq!(again, config);
    }

    #[test]
    fn any_option_of_a_limiter_is_read_or_refused(key in "[a-z.]{0,20}", value in any::<String>()) {
        let pairs = [(format!("limit.{key}"), value)];
        if let Ok(config) = Settings::from_pairs(pairs).read() {
            prop_assert!(config.limit.open().is_ok());
        }
    }
}
