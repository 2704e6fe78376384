//! Reads raw settings into the options of rate limiters: which of them belong to which rule, and what is
//! inherited.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::backend::BackendConfig;
use super::limit::{LimitConfig, LimiterConfig, OPTIONS, Said};
use super::name;
use super::read::{RawBackend, is_name};
use super::reader::{Problems, Reader};
use super::settings::Settings;
use crate::limit::{RateLimit, Rule};

const PREFIX: &str = "limit.";

/// The options that are not inherited.
const RULE: [&str; 5] = ["rule", "limit", "window", "burst", "refill"];

/// The options of the two rules.
const WINDOW: [&str; 2] = ["limit", "window"];
const BUCKET: [&str; 2] = ["burst", "refill"];

impl LimitConfig {
    pub(super) fn read(settings: &Settings, problems: &Problems) -> LimitConfig {
        let reader = &Reader::new(settings, PREFIX, name::limit(), problems);
        let names = names(settings, problems);
        let base = RawBackend::read(reader, &[]);
        let mut of_all = Said::default();
        for option in OPTIONS.iter().filter(|option| !RULE.contains(&option.0)) {
            reader.read_all(std::slice::from_ref(option), &mut of_all);
        }
        reader.finish(&names, &[]);
        for option in RULE {
            let what = format!("it is the rule of one limiter: `limit.NAME.{option}`");
            reader.wrong(option, &what);
        }
        if names.is_empty() {
            for option in base.given().into_iter().chain(["type", "on_store_failure"]) {
                let what = "there is no limiter that takes it over; name one, as in \
                            `limit.log-in.limit`, or leave it out";
                reader.wrong(option, what);
            }
            return LimitConfig { limiters: BTreeMap::new() };
        }
        let raw: Vec<(&str, RawBackend)> = names
            .iter()
            .map(|name| (*name, RawBackend::read(&reader_of(settings, name, problems), &[])))
            .collect();
        let is_used =
            |option: &str| raw.iter().any(|(_, raw)| raw.clone().or(&base).takes(option, "memory"));
        base.note_surplus(&base.given(), reader, "memory", is_used);
        base.clone().settle(reader, "memory");
        let limiters = raw.into_iter().map(|(name, raw)| {
            let reader = &reader_of(settings, name, problems);
            let mut said = Said { on_store_failure: of_all.on_store_failure, ..Said::default() };
            reader.read_all(OPTIONS, &mut said);
            reader.finish(&BTreeSet::new(), &[]);
            let (own, all) = (raw.given(), raw.or(&base));
            all.note_surplus(&own, reader, "memory", |_| false);
            let backend = all.settle(reader, "memory").unwrap_or_else(BackendConfig::memory);
            let (rule, on_store_failure) = (said.rule(reader), said.on_store_failure);
            (name.to_owned(), LimiterConfig { backend, rule, on_store_failure })
        });
        LimitConfig { limiters: limiters.collect() }
    }
}

impl Said {
    /// The rule. Where something is missing or wrong, that is noted, and any rule will do.
    fn rule(&self, reader: &Reader<'_>) -> RateLimit {
        if self.rule.is_none() && reader.is_given("rule") {
            return RateLimit::fixed_window(1, Duration::MAX);
        }
        let (rule, needed, others, other) = match self.rule {
            None | Some(Rule::FixedWindow) => ("fixed_window", WINDOW, BUCKET, "token_bucket"),
            Some(Rule::TokenBucket) => ("token_bucket", BUCKET, WINDOW, "fixed_window"),
        };
        for option in others.into_iter().filter(|option| reader.is_given(option)) {
            reader.wrong(option, &format!("it is for `rule = {other}`; leave it out"));
        }
        for option in needed.into_iter().filter(|option| !reader.is_given(option)) {
            let [limit, time] = needed;
            let what = format!("`rule = {rule}` needs `{limit}` and `{time}`");
            reader.missing(option, &what);
        }
        match self.rule {
            None | Some(Rule::FixedWindow) => RateLimit::fixed_window(
                self.limit.unwrap_or(1),
                self.window.unwrap_or(Duration::MAX),
            ),
            Some(Rule::TokenBucket) => RateLimit::token_bucket(
                self.burst.unwrap_or(1),
                self.refill.unwrap_or(Duration::MAX),
            ),
        }
    }
}

fn reader_of<'a>(settings: &'a Settings, name: &str, problems: &'a Problems) -> Reader<'a> {
    let prefix = format!("{PREFIX}{name}.");
    Reader::new(settings, prefix, name::limit(), problems).inheriting(PREFIX)
}

/// The names of the limiters, which are those that something is said about.
fn names<'a>(settings: &'a Settings, problems: &Problems) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (key, setting) in settings.iter() {
        let Some((name, _)) = key.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.')) else {
            continue;
        };
        if names.insert(name) && !is_name(name) {
            let what = "the name of a limiter has letters, digits, `_` and `-`";
            problems.wrong(key, setting, what);
        }
    }
    names
}
