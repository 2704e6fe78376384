//! Settings from everywhere, their mistakes, and how they are printed.

use std::sync::Arc;
use std::time::Duration;

use beaker::cache::OnStoreFailure;
use beaker::config::{Config, CookieFormat, Place, Secure, Serializer, Settings};
use beaker::{Backend, CookieLifetime, ErrorKind, ProxyHeader};
use proptest::prelude::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn read(pairs: &[(&str, &str)]) -> beaker::Result<Config> {
    Settings::from_pairs(pairs.iter().copied()).read()
}

/// The mistakes in these pairs, without the place where all of them are from.
#[track_caller]
fn mistakes(pairs: &[(&str, &str)], lines: &[&str]) {
    let error = read(pairs).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let message = error.to_string().replace(" (from the program)", "");
    let found: Vec<&str> = message.lines().skip(1).map(str::trim).collect();
    assert_eq!(found, lines);
}

/// A mistake in one setting, beside others that are right.
#[track_caller]
fn mistake(key: &str, value: &str, others: &[(&str, &str)], what: &str) {
    let pairs: Vec<_> = others.iter().copied().chain([(key, value)]).collect();
    mistakes(&pairs, &[&format!("{key} = {value}: {what}")]);
}

/// These settings are right, and are printed like this among others.
#[track_caller]
fn prints(pairs: &[(&str, &str)], lines: &[&str]) {
    let text = read(pairs).unwrap().to_string();
    for line in lines {
        assert!(text.lines().any(|printed| printed == *line), "{line} is not in\n{text}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let file = Settings::from_pairs([
        ("session.type", "fiel"),
        ("session.timeout", "1 hour"),
        ("session.tiemout", "60"),
        ("sesion.auto", "true"),
        ("secure", "yes"),
        ("session.secret", "swordfish"),
        ("cache.regions", "short"),
        ("cache.shrot.expire", "60"),
        ("sqlalchemy.url", "sqlite://"),
    ]);
    let variable = ("BEAKER_SESSION__SAMESITE".to_owned(), "sometimes".to_owned());
    let environment = Settings::from_env("BEAKER_", [variable]);
    let message = file.merged_with(environment).read().unwrap_err().to_string();
    assert_eq!(
        message,
        "the configuration has 8 errors:
  secure = yes (from the program): options begin with `session.`, `cache.` or `limit.`; did you mean `session.secure`?
  sesion.auto = true (from the program): options begin with `session.`, `cache.` or `limit.`; did you mean `session.auto`?
  session.type = fiel (from the program): there is no such backend; did you mean `file`?
  session.timeout = 1 hour (from the program): allowed are whole seconds, 1 to 3153600000 (100 years), and `never`
  session.samesite = sometimes (environment variable BEAKER_SESSION__SAMESITE): allowed are `lax`, `strict`, `none`
  session.secret = (hidden, 9 characters) (from the program): a signing key has 9 bytes, and needs 32 at least; `openssl rand -hex 32` makes one
  session.tiemout = 60 (from the program): there is no such option; did you mean `session.timeout`?
  cache.shrot.expire = 60 (from the program): there is no region `shrot` in `cache.regions`; did you mean `short`?"
    );
}

#[test]
fn a_variable_is_corrected_in_its_own_spelling() {
    for (name, better) in [
        ("BEAKER_SESSION__TIEMOUT", "`BEAKER_SESSION__TIMEOUT`"),
        ("BEAKER_SESSION_TIMEOUT", "`BEAKER_SESSION__TIMEOUT`"),
        ("BEAKER_SESION__TIMEOUT", "`BEAKER_SESSION__TIMEOUT`"),
        ("BEAKER_TIMEOUT", "`BEAKER_SESSION__TIMEOUT`"),
    ] {
        let settings = Settings::from_env("BEAKER_", [(name.to_owned(), "60".to_owned())]);
        let message = settings.read().unwrap_err().to_string();
        assert!(message.contains(&format!("did you mean {better}?")), "{message}");
    }
}

#[test]
fn what_does_not_fit_together_is_a_mistake() {
    let timeout = &[("session.timeout", "60")][..];
    let what = "`timeout` counts from the last access, so accesses have to be noted";
    mistake("session.save_accessed_time", "false", timeout, what);
    let what = "it has to be less than `timeout`, 60 seconds";
    mistake("session.touch_every", "60", timeout, what);
    let what = "the session's cookie: `SameSite=None` needs `Secure`, or browsers drop it";
    mistake("session.secure", "no", &[("session.samesite", "none")], what);
    let what = "the session's cookie: `Partitioned` needs `Secure`, or browsers drop it";
    mistake("session.secure", "no", &[("session.partitioned", "yes")], what);
    let what = "it is for `session.secure = auto`; leave it out";
    mistake("session.trusted_proxies", "10.0.0.0/8", &[], what);
    mistake("session.proxy_header", "forwarded", &[("session.secure", "true")], what);
    mistakes(
        &[("session.secure", "auto")],
        &[
            "session.trusted_proxies is missing: `session.secure = auto` believes nobody without them; name the \
           addresses of the proxies",
        ],
    );
    let auto = ("session.secure", "Auto");
    let what = "`10.0.0` is neither an address nor a network such as `10.0.0.0/8`; `10.0.0.1/8` names one \
                address and a whole network; write either";
    mistake("session.trusted_proxies", "10.0.0, 10.0.0.1/8,::1", &[auto], what);
    let proxies = ("session.trusted_proxies", "10.0.0.0/8, ::1");
    let what = "allowed are `x-forwarded-proto`, `forwarded`";
    mistake("session.proxy_header", "x-real-ip", &[auto, proxies], what);
    let what = "the session's cookie: the name `__Secure-sid` needs `Secure`";
    mistake("session.key", "__Secure-sid", &[auto, proxies], what);
    mistake("session.cookie_priority", "urgent", &[], "allowed are `low`, `medium`, `high`");
    let what = "the session's cookie: the name `__Host-sid` needs the path `/` and no domain";
    mistake("session.key", "__Host-sid", &[("session.cookie_path", "/a")], what);
    let what = "the backend `memory` has only max_entries, max_bytes; leave it out";
    mistake("session.url", "host", &[], what);
    let what = "`max_entries` is given as well; leave one of them out";
    mistake("session.max_bytes", "2000", &[("session.max_entries", "10")], what);
    mistakes(
        &[("session.type", "file")],
        &["session.data_dir is missing: the backend `file` needs `data_dir`"],
    );
    let what = "allowed is a whole number, 1 to 10000";
    mistake("session.max_per_user", "0", &[], what);
    mistake("session.max_per_user", "10001", &[], what);
    let what = "allowed is a whole number, 1 to 10000000";
    mistake("session.local_tier", "0", &[], what);
    mistake("session.local_tier", "10000001", &[], what);
    let what = "allowed is a whole number, 1 to 60";
    mistake("session.local_ttl", "0", &[("session.local_tier", "1")], what);
    mistake("session.local_ttl", "61", &[("session.local_tier", "1")], what);
    let what = "it is for `local_tier`, which is missing";
    mistake("session.local_ttl", "5", &[], what);
    mistake("session.check_tier_every", "500", &[], what);
    let tier = ("session.local_tier", "1");
    let what = "it has to be less than `local_ttl`, 1000 milliseconds";
    mistake("session.check_tier_every", "1000", &[tier], what);
    let what = "it has to be less than `local_ttl`, 60000 milliseconds";
    mistake("session.check_tier_every", "60000", &[tier, ("session.local_ttl", "60")], what);
    let what = "allowed are whole milliseconds, 1 to 3153600000000 (100 years)";
    mistake("session.check_tier_every", "0", &[tier], what);
    let what = "it is said twice, and was `60` before";
    mistake("session.timeout", "30", &[("beaker.session.timeout", "60")], what);
    mistake("session.timeout", "", &[], "nothing is said; leave it out");
}

#[cfg(all(feature = "toml", feature = "ini"))]
#[test]
fn files_are_named_in_their_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let (toml, ini) = (folder.path().join("site.toml"), folder.path().join("site.ini"));
    std::fs::write(&toml, "[session]\ntimeout = 60\nauto = 'often'\n").unwrap();
    std::fs::write(&ini, "[app:main]\nsession.timeout = soon\n").unwrap();
    let settings = Settings::from_toml_file(&toml).unwrap();
    let settings = settings.merged_with(Settings::from_ini_file(&ini, "app:main").unwrap());
    let message = settings.read().unwrap_err().to_string();
    assert!(message.contains(&format!("(line 3 of {})", toml.display())), "{message}");
    assert!(message.contains(&format!("soon ([app:main] of {})", ini.display())), "{message}");
    let message = Settings::from_ini_file(&ini, "app:other").unwrap_err().to_string();
    assert!(
        message.ends_with("nor [session], [cache] or [limit]; it has: [app:main]"),
        "{message}"
    );
}

#[test]
fn unknown_back_ends_are_mistakes() {
    let redis = "there is no such backend; did you mean `ext:redis`?";
    mistake("session.type", "redis", &[], redis);
    let all = "there is no such backend; there are `memory`, `file`, `dbm`, `ext:memcached`, \
               `ext:redis`, `ext:rediscluster`, `ext:redissentinel`, \
               `ext:database`, `null`";
    mistake("cache.type", "cookie", &[], all);
    mistake("session.type", "ext:mongodb", &[], &format!("{all}, `cookie`"));
}

#[test]
fn beakers_other_options_are_refused_with_a_reason() {
    let pickle = "pickles are for sessions that Python shares, with `session.format = beaker`; take `bincode` or `json`";
    mistake("session.data_serializer", "pickle", &[], pickle);
    let damaged =
        "it is for `session.format = beaker`: other damaged data always opens a new session";
    mistake("session.invalidate_corrupt", "true", &[], damaged);
    let nonce = "it is for `encrypt_key` in Beaker's format; leave it out";
    mistake("session.encrypt_nonce_bits", "128", &[], nonce);
    mistake("session.crypto_type", "pycryptodome", &[], nonce);
    let class = "there is one type of session; leave it out";
    mistake("session.session_class", "mine", &[], class);
    let sqlalchemy = "SQLAlchemy is Python's; name the database in `url`";
    mistake("cache.sa.url", "sqlite://", &[], sqlalchemy);
    mistakes(
        &[("session.password", "swordfish")],
        &[
            "session.password = (hidden, 9 characters): put them into the `url`: `redis://user:password@host`",
        ],
    );
}

#[test]
fn what_is_printed_for_a_secret_is_no_secret() {
    let what = "this only shows that something is hidden; put the secret itself here";
    let message = read(&[("session.secret", "(hidden, 64 characters)")]).unwrap_err().to_string();
    assert!(message.contains(what), "{message}");
}

#[test]
fn beakers_words_are_understood() {
    let config = read(&[
        ("beaker.session.data_dir", "./cache"),
        ("session.timeout", "3600"),
        ("session.auto", "On"),
        ("session.httponly", "F"),
        ("session.cookie_expires", "300"),
        ("session.samesite", "Strict"),
    ]);
    let session = config.unwrap().session;
    let Place::Backend(backend) = &session.place else { panic!("{:?}", session.place) };
    assert_eq!((backend.name(), backend.option("data_dir").as_deref()), ("file", Some("./cache")));
    assert_eq!(session.timeout, Some(Duration::from_secs(3600)));
    assert!(session.auto && !session.cookie.httponly && session.cookie.secure == Secure::Always);
    assert_eq!(session.cookie.expires, CookieLifetime::For(Duration::from_secs(300)));
}

#[test]
fn a_cookie_may_go_by_the_request() {
    let proxies = ("session.trusted_proxies", "10.0.0.0/8,::1");
    let auto = [("session.secure", "AUTO"), proxies, ("session.proxy_header", "Forwarded")];
    prints(
        &auto,
        &[
            "session.secure = auto",
            "session.trusted_proxies = 10.0.0.0/8, ::1",
            "session.proxy_header = forwarded",
        ],
    );
    prints(&auto[..2], &["session.proxy_header = x-forwarded-proto"]);
    let config = read(&auto).unwrap();
    assert_eq!(read_again(&config.to_string()).session, config.session);
    let cookie = config.session.cookie;
    assert_eq!((cookie.secure, cookie.proxy_header), (Secure::Auto, ProxyHeader::Forwarded));
    prints(
        &[
            ("session.cookie_priority", "high"),
            ("session.partitioned", "on"),
            ("session.cookie_path_is_cut", "on"),
        ],
        &[
            "session.cookie_priority = high",
            "session.partitioned = true",
            "session.cookie_path_is_cut = true",
        ],
    );
}

fn read_again(text: &str) -> Config {
    text.parse::<Settings>().unwrap().read().unwrap()
}

#[test]
fn defaults_are_printed_and_marked() {
    let text = read(&[("session.timeout", "3600"), ("session.secret", KEY)]).unwrap().session;
    assert_eq!(
        text.to_string(),
        "session.auto = false  # default
session.cookie_expires = true  # default
session.cookie_format = own  # default
session.cookie_path = /  # default
session.data_serializer = bincode  # default
session.format = own  # default
session.grace = 0  # default
session.httponly = true  # default
session.key = beaker.session.id  # default
session.lifetime = never  # default
session.max_per_user = 1000  # default
session.on_store_failure = fail  # default
session.remove_rejected = true  # default
session.samesite = lax  # default
session.save_accessed_time = true  # default
session.secret = (hidden, 32 characters)
session.secure = true  # default
session.timeout = 3600
session.type = memory  # default"
    );
}

#[test]
fn a_configuration_makes_sessions() {
    let config = read(&[
        ("session.timeout", "60"),
        ("session.key", "sid"),
        ("session.secret", KEY),
        ("session.cookie_expires", "600"),
        ("session.secure", "false"),
        ("session.data_serializer", "json"),
        ("session.local_tier", "5"),
        ("session.local_ttl", "2"),
        ("session.check_tier_every", "100"),
    ]);
    let config = config.unwrap().session;
    for sessions in [config.sessions().unwrap(), config.sessions_in(Backend::memory()).unwrap()] {
        let mut session = sessions.create();
        session.set("user", "kimi");
        session.save().unwrap();
        let cookie = session.set_cookie().unwrap().unwrap();
        assert!(cookie.starts_with("sid="), "{cookie}");
        assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=600"), "{cookie}");
        let again = sessions.load(cookie.split(';').next()).unwrap();
        assert_eq!(again.id(), session.id());
        let options = format!("{sessions:?}");
        assert!(options.contains("LocalTier(5 copies, 2s)"), "{options}");
        assert!(options.contains("check_tier_every: Some(100ms)"), "{options}");
    }
}

#[test]
fn regions_take_over_what_they_do_not_say() {
    let pairs = [
        ("cache.expire", "600"),
        ("cache.data_dir", "./cache"),
        ("cache.type", "file"),
        ("cache.regions", "short, long, ,off,"),
        ("cache.short.expire", "60"),
        ("cache.short.type", "memory"),
        ("cache.long.key_length", "100"),
        ("cache.stale_for", "30"),
        ("cache.short.stale_for", "0"),
        ("cache.short.jitter", "10"),
        ("cache.long.refresh_early", "yes"),
        ("cache.on_store_failure", "Bypass"),
        ("cache.short.on_store_failure", "fail"),
        ("cache.off.enabled", "no"),
    ];
    let cache = read(&pairs).unwrap().cache;
    let names: Vec<&str> = cache.regions.keys().map(String::as_str).collect();
    assert_eq!(names, ["long", "off", "short"]);
    let (short, long) = (&cache.regions["short"], &cache.regions["long"]);
    assert_eq!(short.backend.name(), "memory");
    assert_eq!(short.expire, Some(Duration::from_secs(60)));
    assert_eq!(long.backend, cache.default.backend);
    assert_eq!(long.backend.option("data_dir").as_deref(), Some("./cache"));
    assert_eq!((long.expire, long.key_length), (Some(Duration::from_secs(600)), 100));
    assert_eq!(
        (long.stale_for, long.jitter, long.refresh_early),
        (Duration::from_secs(30), 0, true)
    );
    assert_eq!((short.stale_for, short.jitter), (Duration::ZERO, 10));
    assert_eq!(
        (short.on_store_failure, long.on_store_failure),
        (OnStoreFailure::Fail, OnStoreFailure::Bypass)
    );
    assert!(!cache.regions["off"].enabled && cache.default.enabled);
    assert!(short.backend.open().is_ok());
    prints(
        &pairs,
        &[
            "cache.regions = long, off, short",
            "cache.long.data_dir = ./cache  # as cache.data_dir",
            "cache.short.expire = 60",
            "cache.short.stale_for = 0  # default",
            "cache.short.jitter = 10",
            "cache.short.on_store_failure = fail  # default",
            "cache.long.on_store_failure = bypass  # as cache.on_store_failure",
            "cache.long.stale_for = 30  # as cache.stale_for",
            "cache.short.key_length = 250  # as cache.key_length",
        ],
    );
}

/// What is said for all regions is for those in memory.
#[test]
fn regions_of_objects() {
    let pairs = [
        ("cache.regions", "short, long, off"),
        ("cache.objects", "yes"),
        ("cache.short.max_entries", "2"),
        ("cache.short.expire", "60"),
        ("cache.long.type", "file"),
        ("cache.long.data_dir", "x"),
        ("cache.off.enabled", "no"),
    ];
    let cache = read(&pairs).unwrap().cache;
    assert!(cache.regions["short"].objects && !cache.regions["long"].objects);
    prints(
        &pairs,
        &[
            "cache.short.objects = true  # as cache.objects",
            "cache.long.objects = false  # default",
        ],
    );
    let regions = Settings::from_pairs(pairs.into_iter().filter(|(key, _)| !key.contains("long.")));
    let regions = regions.read().unwrap().cache.open().unwrap();
    let keeps = |region: &str, count: u16| {
        let cache = regions.get(region).unwrap().objects::<Arc<u16>>("points").unwrap();
        (0..count).for_each(|key| cache.put(key, Arc::new(key)).unwrap());
        cache.entry_count().unwrap()
    };
    assert_eq!((keeps("short", 10), keeps("long", 100), keeps("off", 10)), (2, 100, 0));
}

#[test]
fn mistakes_in_regions() {
    let regions = ("cache.regions", "short");
    let what = "there is no region `long` in `cache.regions`; add it there";
    mistake("cache.long.expire", "60", &[regions], what);
    let what = "there is no such option; did you mean `cache.short.expire`?";
    mistake("cache.short.expires", "60", &[regions], what);
    let what = "the backend `memory` has only max_entries, max_bytes; leave it out";
    mistake("cache.short.data_dir", "x", &[regions], what);
    mistake("cache.data_dir", "x", &[regions], what);
    let twice = "the region `a` is named twice";
    mistake("cache.regions", "a,b,a", &[("cache.b.expire", "60")], twice);
    let names = "allowed are names of letters, digits, `_` and `-`, with `,` between";
    mistake("cache.regions", "a.b", &[], names);
    let percents = "allowed are whole percents, 0 to 100, without the sign";
    mistake("cache.short.jitter", "10%", &[regions], percents);
    let alone = "values stay as they are in memory alone; take `type = memory`, or leave it out";
    let file = [regions, ("cache.short.type", "file"), ("cache.short.data_dir", "x")];
    mistake("cache.short.objects", "yes", &file, alone);
    mistake("cache.objects", "yes", &[("cache.type", "file"), ("cache.data_dir", "x")], alone);
    let counted =
        "with `objects` values are counted, since nobody knows their size; take `max_entries`";
    mistake("cache.short.max_bytes", "5000", &[regions, ("cache.objects", "yes")], counted);
    mistake("cache.key_length", "79", &[], "allowed is a whole number, 80 or more");
    mistakes(
        &[regions, ("cache.short.type", "file")],
        &["cache.short.data_dir is missing: the backend `file` needs `data_dir`"],
    );
    // Said for all, used by one.
    prints(
        &[regions, ("cache.short.type", "file"), ("cache.data_dir", "x")],
        &["cache.short.data_dir = x", "cache.type = memory  # default"],
    );
}

#[cfg(feature = "redis")]
#[test]
fn a_region_takes_over_the_address() {
    let redis = [("cache.type", "ext:redis"), ("cache.regions", "short")];
    let url = ("cache.url", "redis://user:swordfish@127.0.0.1:1");
    prints(
        &[redis[0], redis[1], url],
        &[
            "cache.short.url = redis://user:(hidden, 9 characters)@127.0.0.1:1  # as cache.url",
            "cache.short.deadline = 2000  # as cache.deadline",
        ],
    );
    mistakes(&redis, &["cache.url is missing: the backend `ext:redis` needs `url`"]);
    let error = read(&[redis[0], redis[1], ("cache.url", "http://u:swordfish@h")]).unwrap_err();
    assert!(error.to_string().starts_with("the configuration has an error:\n  cache.url = "));
    assert!(!error.to_string().contains("swordfish"), "{error}");
}

#[cfg(feature = "cookies")]
#[test]
fn sessions_in_cookies() {
    let cookie = ("session.type", "cookie");
    let needs =
        "sessions in cookies are signed with `validate_key` or encrypted with `encrypt_key`";
    mistakes(&[cookie], &[&format!("session.validate_key is missing: {needs}")]);
    let what = "sessions in cookies have no backend; leave it out";
    mistake("session.data_dir", "x", &[cookie, ("session.validate_key", KEY)], what);
    let what = "sessions in cookies are read from no store; leave it out";
    for option in ["session.local_tier", "session.local_ttl", "session.check_tier_every"] {
        mistake(option, "1", &[cookie, ("session.validate_key", KEY)], what);
    }

    let beakers = ("session.cookie_format", "beaker");
    let (signed, sealed) = (("session.validate_key", KEY), ("session.encrypt_key", KEY));
    for pairs in [&[cookie, signed][..], &[cookie, sealed], &[cookie, beakers, signed, sealed]] {
        let sessions = read(pairs).unwrap().session.sessions().unwrap();
        let mut session = sessions.load(None).unwrap();
        session.set("user", "kimi");
        session.save().unwrap();
        let set_cookie = session.set_cookie().unwrap().unwrap();
        let again = sessions.load(set_cookie.split(';').next()).unwrap();
        assert_eq!(again.require("user").unwrap().as_str(), Some("kimi"));
    }
    prints(&[cookie, beakers, signed], &["session.data_serializer = json  # default"]);
    let what = "sessions in Beaker's format are `json`, or with `session.format = beaker` also `pickle`; take one of them, or leave it out";
    mistake("session.data_serializer", "bincode", &[cookie, beakers, signed], what);
    let json = ("session.data_serializer", "json");
    assert!(read(&[cookie, beakers, signed, json]).unwrap().session.sessions().is_ok());
    let mut changed = read(&[cookie, beakers, signed]).unwrap().session;
    changed.data_serializer = beaker::config::Serializer::Bincode;
    assert_eq!(changed.sessions().unwrap_err().to_string(), what);
}

#[cfg(feature = "cookies")]
#[test]
fn beakers_names_of_the_cipher() {
    let others = &[
        ("session.type", "cookie"),
        ("session.cookie_format", "beaker"),
        ("session.validate_key", KEY),
        ("session.encrypt_key", KEY),
    ];
    for name in ["cryptography", "Cryptography", "default"] {
        let pairs = [&others[..], &[("session.crypto_type", name)]].concat();
        assert!(read(&pairs).unwrap().session.sessions().is_ok(), "{name}");
    }
    for name in ["pycryptodome", "pycrypto"] {
        let pairs = [&others[..], &[("session.crypto_type", name)]].concat();
        assert!(read(&pairs).unwrap().session.sessions().is_ok(), "{name}");
        prints(&pairs, &["session.crypto_type = pycryptodome"]);
    }
    let old = "Beaker has it no more; set `cryptography`, here and on Python's side";
    mistake("session.crypto_type", "nss", others, old);
    let near = "there is no such cipher; did you mean `cryptography`?";
    mistake("session.crypto_type", "criptography", others, near);
    let none = "allowed are `cryptography`, which is AES-256-GCM, and `pycryptodome`, which is AES-256-CTR";
    mistake("session.crypto_type", "rot13", others, none);
    let near = "there is no such option; did you mean `session.crypto_type`?";
    mistake("session.cripto_type", "default", others, near);
}

#[cfg(feature = "python")]
#[test]
fn one_file_configures_python_and_us() {
    let beakers = ("session.format", "beaker");
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().display().to_string();
    let both = [
        beakers,
        ("session.type", "file"),
        ("session.data_dir", data_dir.as_str()),
        ("session.secret", "any secret will do"),
        ("session.validate_key", "v"),
        ("session.encrypt_key", "e"),
        ("session.encrypt_nonce_bits", "48"),
        ("session.invalidate_corrupt", "true"),
        ("session.session_class", "mine"),
        ("session.memcache_module", "pylibmc"),
        ("session.webtest_varname", "s"),
    ];
    let config = read(&both).unwrap().session;
    assert_eq!(config.data_serializer, Serializer::Pickle);
    assert_eq!(config.cookie_format, CookieFormat::Beaker);
    let mut session = config.sessions().unwrap().create();
    session.set("user", "ada");
    session.save().unwrap();
    prints(
        &both,
        &[
            "session.cookie_format = beaker  # default",
            "session.data_serializer = pickle  # default",
            "session.encrypt_nonce_bits = 48",
            "session.format = beaker",
            "session.invalidate_corrupt = true",
        ],
    );

    let leave = "Python knows nothing of it; leave it out";
    let place = "Python shares sessions in `file`, `ext:memcached`, `ext:redis`, `ext:database` and `cookie`";
    mistakes(&[beakers], &[&format!("session.type is missing: {place}")]);
    mistake("session.type", "memory", &[beakers], place);
    let beakers = [beakers, ("session.type", "file"), ("session.data_dir", data_dir.as_str())];
    for option in ["session.grace", "session.max_per_user", "session.local_tier"] {
        mistake(option, "1", &beakers, leave);
    }
    let own = "with `session.format = beaker` the cookie is Beaker's too; leave it out";
    mistake("session.cookie_format", "own", &beakers, own);
    let bincode = "sessions in Beaker's format are `json`, or with `session.format = beaker` also `pickle`; take one of them, or leave it out";
    mistake("session.data_serializer", "bincode", &beakers, bincode);
    let keys = "Beaker encrypts with `encrypt_key` and signs with `validate_key`, so both need the same number of keys";
    let hidden = "session.encrypt_key = (hidden, 9 characters)";
    mistakes(
        &[&beakers[..], &[("session.encrypt_key", "swordfish")]].concat(),
        &[&format!("{hidden}: {keys}")],
    );
    let bits = "allowed are 48, 64, 96, 128, 192, 256";
    let keys = [("session.encrypt_key", "e"), ("session.validate_key", "v")];
    mistake("session.encrypt_nonce_bits", "96.5", &[&beakers[..], &keys].concat(), bits);
    let near = "there is no such option; did you mean `session.timeout`?";
    mistake("session.timeot", "x", &beakers, near);
    mistake("session.format", "Python", &[], "allowed are `own`, `beaker`");
}

#[test]
fn rejected_cookies_are_removed_unless_the_configuration_says_no() {
    for (said, is_removed) in [(&[][..], true), (&[("session.remove_rejected", "no")], false)] {
        let pairs = [&[("session.secret", KEY)], said].concat();
        let sessions = read(&pairs).unwrap().session.sessions().unwrap();
        let session = sessions.load(Some("beaker.session.id=forged")).unwrap();
        assert_eq!(session.set_cookie().unwrap().is_some(), is_removed);
    }
}

#[test]
fn what_becomes_of_a_request_without_a_store_is_one_of_two() {
    mistake("session.on_store_failure", "bypass", &[], "allowed are `fail`, `empty`");
    mistake("cache.on_store_failure", "empty", &[], "allowed are `fail`, `bypass`");
}

#[test]
fn no_secret_is_shown() {
    let pairs = [("session.secret", "swordfish-swordfish-swordfish-swordfish")];
    let config = read(&pairs).unwrap();
    let settings = Settings::from_pairs(pairs);
    for text in [format!("{config}"), format!("{config:?}"), format!("{settings:?}")] {
        assert!(!text.contains("swordfish"), "{text}");
        assert!(text.contains("(hidden, 39 characters)"), "{text}");
    }
}

/// A text that may stand anywhere; a hidden password cannot come back.
fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.trim().replace("://", "")).prop_filter("a value", |text| {
        !text.is_empty() && !text.to_ascii_lowercase().contains("password=")
    })
}

fn any_pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let seconds =
        || prop_oneof![Just("never".to_owned()), (31..4_000_000u32).prop_map(|n| n.to_string())];
    let word = || prop::sample::select(vec!["true", "no", "ON", "f", "1"]).prop_map(str::to_owned);
    let place = |prefix: &'static str| {
        let key = move |option: &str| format!("{prefix}{option}");
        prop_oneof![
            Just(vec![]),
            Just(vec![(key("type"), "null".to_owned())]),
            (1..1000u32).prop_map(move |most| vec![
                (key("type"), "memory".to_owned()),
                (key("max_entries"), most.to_string()),
            ]),
            (text(), text()).prop_map(move |(data, locks)| vec![
                (key("type"), "file".to_owned()),
                (key("data_dir"), data),
                (key("lock_dir"), locks),
            ]),
        ]
    };
    let option = |key: &'static str, value: BoxedStrategy<String>| {
        prop::option::of(value.prop_map(move |value| (key.to_owned(), value)))
    };
    let session = vec![
        option("session.timeout", seconds().boxed()),
        option("session.lifetime", seconds().boxed()),
        option("session.touch_every", (0..30u32).prop_map(|n| n.to_string()).boxed()),
        option("session.grace", (0..60u32).prop_map(|n| n.to_string()).boxed()),
        option("session.max_per_user", (1..10_000u32).prop_map(|n| n.to_string()).boxed()),
        option("session.local_tier", (1..=60u32).prop_map(|n| n.to_string()).boxed()),
        option("session.auto", word().boxed()),
        option("session.remove_rejected", word().boxed()),
        option("session.on_store_failure", prop_oneof!["fail", "Empty"].boxed()),
        option("session.cookie_expires", prop_oneof![word(), "[2-9]{1,8}"].boxed()),
        option("session.key", "[a-z.!#$]{1,20}".boxed()),
        option("session.cookie_path", "/[!-:<-~]{0,20}".boxed()),
        option("session.cookie_path_is_cut", word().boxed()),
        option("session.partitioned", word().boxed()),
        option("session.cookie_priority", prop_oneof!["low", "Medium", "HIGH"].boxed()),
        option("session.samesite", prop_oneof!["lax", "Strict", "NONE"].boxed()),
        option("session.data_serializer", prop_oneof!["json", "bincode"].boxed()),
        option("session.secret", "[0-9a-f]{32}(,[0-9a-f]{32}){0,2}".boxed()),
        option("cache.expire", seconds().boxed()),
        option("cache.stale_for", (0..9999u32).prop_map(|n| n.to_string()).boxed()),
        option("cache.short.jitter", (0..=100u32).prop_map(|n| n.to_string()).boxed()),
        option("cache.short.refresh_early", word().boxed()),
        option("cache.on_store_failure", prop_oneof!["fail", "Bypass"].boxed()),
        option("cache.enabled", word().boxed()),
        option("cache.objects", prop_oneof!["no", "Off"].boxed()),
        option("cache.key_length", (80..500u32).prop_map(|n| n.to_string()).boxed()),
        option("cache.short.expire", seconds().boxed()),
        option("cache.long-term.enabled", word().boxed()),
    ];
    (session, place("session."), place("cache."), place("cache.short.")).prop_map(
        |(options, session, cache, short)| {
            let regions = ("cache.regions".to_owned(), "short,long-term".to_owned());
            let all = options.into_iter().flatten().chain([regions]);
            all.chain(session).chain(cache).chain(short).collect()
        },
    )
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(pairs in any_pairs()) {
        let config = Settings::from_pairs(pairs.clone()).read().unwrap();
        let printed = config.to_string();
        let secrets = pairs.into_iter().filter(|(key, _)| key == "session.secret");
        let again: Settings = printed.parse().unwrap();
        let again = again.merged_with(Settings::from_pairs(secrets)).read();
        prop_assert_eq!(&again.unwrap(), &config, "{}", printed);
    }

    #[test]
    fn any_text_is_read_or_refused(
        pairs in prop::collection::vec((prop::sample::select(SOME), any::<String>()), 0..8),
    ) {
        let settings = Settings::from_pairs(pairs);
        if let Err(error) = settings.read() {
            prop_assert_eq!(error.kind(), ErrorKind::Config);
        }
    }

    #[test]
    fn any_key_is_read_or_refused(key in any::<String>(), value in any::<String>()) {
        let _ = Settings::from_pairs([(key.as_str(), value.as_str())]).read();
        let _ = Settings::from_pairs([(format!("cache.{key}"), value.as_str())]).read();
        let _ = format!("{key}={value}").parse::<Settings>().map(|settings| settings.read());
    }
}

const SOME: &[&str] = &[
    "session.type",
    "session.data_dir",
    "session.url",
    "session.timeout",
    "session.key",
    "session.cookie_domain",
    "session.cookie_expires",
    "session.secret",
    "cache.regions",
    "cache.key_length",
];
