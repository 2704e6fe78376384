//! What the program prints about sessions and caches in real backends, what it ends, and what it refuses.

use std::fs;
use std::path::Path;
use std::process::Command;

use beaker::cache::{Region, RegionOptions};
use beaker::{Backend, Cache, SessionId, Sessions};

/// Runs the program, which must end with this status; returns what it printed.
#[track_caller]
fn run(words: &[&str], status: i32) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_inspect"));
    // The settings of whoever runs the tests are not those of the tests.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BEAKER_") {
            program.env_remove(name);
        }
    }
    let output = program.args(words).output().unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(status), "{words:?}: {printed}");
    printed
}

#[track_caller]
fn check(words: &[&str], status: i32, parts: &[&str]) -> String {
    let printed = run(words, status);
    for part in parts {
        assert!(printed.contains(part), "{part:?} is not in {printed}");
    }
    printed
}

fn session(sessions: &Sessions, user: Option<&str>) -> SessionId {
    let mut session = sessions.create();
    session.set("basket", "three apples");
    session.set("api_token", "swordfish");
    if let Some(user) = user {
        session.set_user(user);
    }
    session.save().unwrap();
    *session.id()
}

/// Lists sessions, shows one, ends one, those of a user, and all.
#[track_caller]
fn check_sessions(name: &str, options: &[(&str, &str)]) {
    let sessions = Sessions::new(Backend::open(name, options).unwrap());
    let (kimi, phone) = (session(&sessions, Some("kimi")), session(&sessions, Some("kimi")));
    let (nobody, other) = (session(&sessions, None), session(&sessions, Some("seb\x1b[2J")));
    let options = options.iter().map(|(option, value)| format!("{option}={value}"));
    let place: Vec<String> = [format!("type={name}")].into_iter().chain(options).collect();
    let run = |words: &[&str], status: i32, parts: &[&str]| {
        let words = [&["sessions"], words].concat();
        let all: Vec<&str> = words.into_iter().chain(place.iter().map(String::as_str)).collect();
        let printed = check(&all, status, parts);
        for id in [kimi, phone, nobody, other] {
            assert!(!printed.contains(id.as_str()), "a whole id is shown: {printed}");
        }
        assert!(!printed.contains("swordfish") && !printed.contains('\x1b'), "{printed}");
        printed
    };
    let beginning = |id: &SessionId| id.as_str()[..8].to_owned();
    let all = [&kimi, &phone, &nobody, &other].map(beginning);
    let accessed = || sessions.open(&kimi).unwrap().last_accessed();
    let before = accessed();

    let listed = run(&["list"], 0, &["4 sessions in type=", "kimi", "nobody", "s ago"]);
    assert!(all.iter().all(|id| listed.contains(id)), "{listed}");
    run(&["list", "--most", "2"], 0, &["2 sessions", "there are more"]);
    run(&["list", "--namespace", "forum"], 0, &["0 sessions"]);
    let shown = run(
        &["show", &all[0]],
        0,
        &["user       kimi", "basket: (a text of 12 characters)", "api_token: (a text of 9"],
    );
    assert!(!shown.contains("three apples"), "{shown}");
    run(&["show", &format!("{}…", all[0]), "--values"], 0, &["basket: \"three apples\""]);
    assert_eq!(accessed(), before, "to look at a session is no access");
    run(&["show", "no id"], 2, &["32 lower-case hex digits"]);
    run(&["show", "ffffffffffff"], 2, &["no session in type="]);

    run(&["end", &all[2]], 2, &["this would end the session", "nobody", "say `--yes`"]);
    assert!(sessions.open(&nobody).is_ok(), "it was not meant");
    run(&["end", &all[2], "--yes"], 0, &["ended the session"]);
    assert!(sessions.open(&nobody).is_err());
    run(&["end", "--user", "kimi"], 2, &["this would end 2 sessions of `kimi`"]);
    assert!(sessions.open(&kimi).is_ok(), "it was not meant");
    run(&["end", "--user", "kimi", "--yes"], 0, &["ended 2 sessions of `kimi`"]);
    assert!(sessions.open(&kimi).is_err() && sessions.open(&phone).is_err());
    run(&["end", "--user", "kimi", "--yes"], 0, &["ended 0 sessions"]);
    run(&["end"], 2, &["say which session"]);

    run(&["clear"], 2, &["this would end the 1 session in type="]);
    assert!(sessions.open(&other).is_ok(), "it was not meant");
    run(&["clear", "--yes"], 0, &["ended all sessions"]);
    assert!(sessions.open(&other).is_err());
    run(&["list"], 0, &["0 sessions"]);
}

/// Lists the keys of a cache, counts its values, and invalidates it and a region.
#[track_caller]
fn check_caches(name: &str, options: &[(&str, &str)]) {
    let backend = Backend::open(name, options).unwrap();
    let points = Cache::<u32>::new(backend.clone(), "points");
    points.put("kimi", 110).unwrap();
    points.put("valtteri", 87).unwrap();
    let region = Region::named("short");
    region.configure(RegionOptions::new(backend)).unwrap();
    let titles = region.cache::<u32>("titles").unwrap();
    titles.put("kimi", 1).unwrap();
    let options = options.iter().map(|(option, value)| format!("{option}={value}"));
    let place: Vec<String> = [format!("type={name}")].into_iter().chain(options).collect();
    let run = |words: &[&str], status: i32, parts: &[&str]| {
        let words = [&["cache"], words].concat();
        let all: Vec<&str> = words.into_iter().chain(place.iter().map(String::as_str)).collect();
        check(&all, status, parts)
    };
    let keys = run(&["keys", "--cache", "points"], 0, &["kimi\n", "valtteri\n", "2 keys of"]);
    assert!(!keys.contains("hash"), "{keys}");
    run(&["keys", "--cache", "points", "--most", "1"], 0, &["1 keys", "there are more"]);
    run(&["keys", "--cache", "titles", "--region", "short"], 0, &["kimi\n1 keys of the cache"]);
    run(&["keys"], 2, &["say which cache"]);
    run(&["keys", "--region", "short"], 2, &["say which cache of the region"]);
    run(&["stats", "--cache", "points"], 0, &["values   2, in ", "fresh    2;", "s ago"]);
    run(&["stats", "--cache", "nothing"], 0, &["values   0, in 0 bytes"]);

    let forget = ["invalidate", "--cache", "points"];
    run(&forget, 2, &["this would invalidate all of the cache `points`", "say `--yes`"]);
    let opened = || Cache::<u32>::new(Backend::open(name, &options_of(&place)).unwrap(), "points");
    assert_eq!(opened().get("kimi").unwrap(), Some(110), "it was not meant");
    run(&[&forget[..], &["--yes"]].concat(), 0, &["invalidated all of the cache `points`"]);
    assert_eq!(opened().get("kimi").unwrap(), None);
    run(&["invalidate", "--region", "short", "--yes"], 0, &["all of the region `short`"]);
    let again = Region::named("short");
    let backend = Backend::open(name, &options_of(&place)).unwrap();
    again.configure(RegionOptions::new(backend)).unwrap();
    assert_eq!(again.cache::<u32>("titles").unwrap().get("kimi").unwrap(), None);
}

fn options_of(place: &[String]) -> Vec<(&str, &str)> {
    place.iter().skip(1).filter_map(|word| word.split_once('=')).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    check_sessions("file", &[("data_dir", text(folder.path()))]);
    check_caches("file", &[("data_dir", text(folder.path()))]);
}

#[cfg(feature = "dbm")]
#[test]
fn dbm() {
    let folder = tempfile::tempdir().unwrap();
    check_sessions("dbm", &[("data_dir", text(folder.path()))]);
    check_caches("dbm", &[("data_dir", text(folder.path()))]);
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.db");
    check_sessions("ext:database", &[("url", text(&file))]);
    check_caches("ext:database", &[("url", text(&file)), ("table_name", "cached")]);
}

#[cfg(feature = "postgres")]
#[servers::needs(postgresql)]
#[test]
fn postgresql() {
    let server = servers::Postgres::for_tests().unwrap().expect("it is installed");
    check_sessions("ext:database", &[("url", &server.url())]);
    check_caches("ext:database", &[("url", &server.url())]);
}

#[cfg(feature = "redis")]
#[test]
fn redis() {
    let server = servers::Redis::for_programs().unwrap();
    check_sessions("ext:redis", &[("url", &server.url())]);
    check_caches("ext:redis", &[("url", &server.url())]);
}

#[cfg(feature = "memcached")]
#[test]
fn memcached_has_no_list_and_ends_what_it_is_told() {
    let server = servers::Memcached::for_programs().unwrap();
    let url = server.url();
    let sessions = Sessions::new(Backend::open("ext:memcached", &[("url", &url)]).unwrap());
    let (kimi, other) = (session(&sessions, Some("kimi")), session(&sessions, None));
    let url = format!("url={url}");
    let place = ["type=ext:memcached", &url];
    let run = |words: &[&str], status, parts: &[&str]| {
        check(&[&["sessions"], words, &place].concat(), status, parts)
    };
    run(&["list"], 2, &["memcached tells of the keys that it is asked for"]);
    run(&["show", &other.as_str()[..8]], 2, &["memcached tells of the keys"]);
    run(&["show", other.as_str()], 0, &["user       nobody"]);
    run(&["end", "--user", "kimi", "--yes"], 0, &["ended 1 sessions"]);
    assert!(sessions.open(&kimi).is_err() && sessions.open(&other).is_ok());
    run(&["clear"], 2, &["this would end all sessions in type=ext:memcached"]);
    run(&["clear", "--yes"], 0, &["ended all sessions"]);
    // What a handle knows of the namespace, it believes for a moment.
    let again = Sessions::new(Backend::open("ext:memcached", &[("url", &url[4..])]).unwrap());
    assert!(again.open(&other).is_err());
}

#[test]
fn a_beginning_that_several_ids_have_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = format!("data_dir={}", text(folder.path()));
    let sessions =
        Sessions::new(Backend::open("file", &[("data_dir", text(folder.path()))]).unwrap());
    // Of 70,000 ids, two most likely have the same four digits; here they are made so.
    let mut ids: Vec<SessionId> = Vec::new();
    while ids.len() < 400 {
        ids.push(session(&sessions, None));
        let last = ids[ids.len() - 1].as_str()[..4].to_owned();
        let same = ids.iter().filter(|id| id.as_str().starts_with(&last)).count();
        if same > 1 {
            let words = ["sessions", "show", &last, "type=file", &data_dir];
            check(&words, 2, &[&format!("several ids begin with `{last}`")]);
            return;
        }
    }
}

#[test]
fn the_settings_of_the_program_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let backend = Backend::open("file", &[("data_dir", text(&data))]).unwrap();
    session(&Sessions::new(backend.clone()), Some("kimi"));
    let region = Region::named("short");
    region.configure(RegionOptions::new(backend)).unwrap();
    region.cache::<u32>("points").unwrap().put("kimi", 110).unwrap();
    let toml = folder.path().join("shop.toml");
    let content = format!(
        "[session]\ntype = 'file'\ndata_dir = '{0}'\nsecret = 'swordfish swordfish swordfish swordfish'\n[cache]\nregions = 'short'\n\
         [cache.short]\ntype = 'file'\ndata_dir = '{0}'\n",
        data.display()
    );
    fs::write(&toml, content).unwrap();
    let list = ["sessions", "list", "--config", text(&toml)];
    let printed = check(&list, 0, &["1 session in type=file", "kimi"]);
    assert!(!printed.contains("swordfish"), "{printed}");
    let keys = ["cache", "keys", "--config", text(&toml), "--region", "short", "--cache", "points"];
    check(&keys, 0, &["kimi\n1 keys"]);
    let other = ["cache", "keys", "--config", text(&toml), "--region", "shrt", "--cache", "points"];
    check(&other, 2, &["there is no region `shrt`; there are `short`"]);
    // A word wins over the file.
    let empty = format!("session.data_dir={}", text(&folder.path().join("empty")));
    check(&[&list[..], &[&empty]].concat(), 0, &["0 sessions"]);

    let ini = folder.path().join("shop.ini");
    fs::write(
        &ini,
        format!("[shop]\nsession.type = file\nsession.data_dir = {}\n", data.display()),
    )
    .unwrap();
    let list = ["sessions", "list", "--config", text(&ini)];
    check(&list, 2, &["there is no section [app:main]"]);
    check(&[&list[..], &["--section", "shop"]].concat(), 0, &["1 session "]);
}

#[test]
fn mistakes() {
    check(&["sessions", "list"], 2, &["say where they are"]);
    check(&["sessions", "list", "disk"], 2, &["`disk` is no option; write `name=value`"]);
    check(&["sessions", "list", "type=fiel"], 2, &["did you mean `file`?"]);
    check(
        &["sessions", "list", "type=file", "tmeout=5", "auto=maybe"],
        2,
        &["3 errors", "did you mean `session.timeout`?", "needs `data_dir`", "allowed are `true`"],
    );
    check(&["sessions", "list", "type=memory"], 2, &["ends with its process"]);
    check(&["cache", "stats", "--cache", "x", "type=null"], 2, &["ends with its process"]);
    check(&["sessions", "list", "--config", "no/such.toml"], 2, &["no/such.toml"]);
    check(&["sessions", "list", "--most", "many", "type=file"], 2, &["invalid value 'many'"]);
    check(&["sessions"], 2, &["list", "show", "end", "clear"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    let data_dir = format!("data_dir={}/x", file.path().display());
    check(
        &["sessions", "list", "type=file", &data_dir],
        6,
        &["could not write to the data folder"],
    );
}

#[cfg(not(feature = "redis"))]
#[test]
fn what_is_not_compiled_in_says_so() {
    check(&["sessions", "list", "type=ext:redis", "url=x"], 2, &["not compiled in"]);
}

#[cfg(feature = "redis")]
#[test]
fn a_server_that_is_not_there() {
    let url = "url=redis://user:swordfish@127.0.0.1:1";
    let words = ["sessions", "list", "type=ext:redis", url];
    let printed = check(&words, 5, &["could not list", "is the server running"]);
    assert!(!printed.contains("swordfish"), "{printed}");
}
