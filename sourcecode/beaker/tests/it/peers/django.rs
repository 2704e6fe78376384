//! What Django's sessions are tested for, whatever keeps them.

use std::sync::Arc;
use std::time::Duration;

use beaker::lock::LocalLocks;
use beaker::store::FileStore;
use beaker::{
    Backend, ErrorKind, ManualClock, Origin, Rejection, SessionId, Signer, Value, sweeper,
};

use super::{Session, Sessions};

/// Over a store in memory, and over files.
fn each(check: impl Fn(&Sessions)) {
    let folder = tempfile::tempdir().unwrap();
    let files = Backend::open("file", &[("data_dir", folder.path().to_str().unwrap())]).unwrap();
    for backend in [Backend::memory(), files] {
        check(&Sessions::new(backend).signed_by(Signer::random().unwrap()));
    }
}

fn saved(sessions: &Sessions) -> Session {
    let mut session = sessions.create();
    session.set("foo", "bar");
    session.save().unwrap();
    session
}

fn cookie(session: &Session) -> String {
    let header = session.set_cookie().unwrap().expect("a cookie is sent");
    header.split(';').next().unwrap().to_owned()
}

#[test]
fn a_new_session_is_empty_and_not_modified() {
    each(|sessions| {
        let session = sessions.create();
        assert!(!session.is_modified() && session.values().is_empty());
        assert_eq!(session.get("cat"), None);
    });
}

#[test]
fn what_is_taken_out_is_given_back_and_modifies() {
    each(|sessions| {
        let id = *saved(sessions).id();
        let mut session = sessions.open(&id).unwrap();
        assert_eq!(session.remove("not there"), None);
        assert!(!session.is_modified(), "nothing was there to remove");
        assert_eq!(session.remove("foo"), Some("bar".into()));
        assert!(session.is_modified() && session.get("foo").is_none());
    });
}

/// `setdefault` is [`update`](beaker::session::SessionState::update), which is also right when two requests do
/// it at once.
#[test]
fn a_default_is_set_once() {
    each(|sessions| {
        let mut session = sessions.create();
        let or = |default: &'static str| {
            move |old: Option<&Value>| old.cloned().unwrap_or_else(|| default.into())
        };
        assert_eq!(session.update("foo", or("bar")), "bar".into());
        assert_eq!(session.update("foo", or("baz")), "bar".into());
        assert!(session.is_modified());
    });
}

#[test]
fn looking_does_not_modify() {
    each(|sessions| {
        let session = sessions.open(saved(sessions).id()).unwrap();
        assert!(session.contains("foo") && !session.contains("fu"));
        let all: Vec<_> = session.values().iter().collect();
        assert_eq!(all, [(&"foo".to_owned(), &Value::from("bar"))]);
        assert!(!session.is_modified());
    });
}

#[test]
fn clearing_empties_the_session_and_keeps_its_id() {
    each(|sessions| {
        let mut session = saved(sessions);
        session.clear();
        assert!(session.values().is_empty() && session.is_modified());
        session.save().unwrap();
        assert!(
            sessions.open(session.id()).unwrap().values().is_empty(),
            "an empty one is kept too"
        );
    });
}

#[test]
fn a_saved_session_exists_until_it_is_deleted() {
    each(|sessions| {
        let mut session = saved(sessions);
        assert!(sessions.open(session.id()).is_ok());
        session.delete().unwrap();
        let error = sessions.open(session.id()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownSession);
    });
}

/// `flush` is `invalidate`.
#[test]
fn flushing_leaves_nothing_under_the_old_key() {
    each(|sessions| {
        let mut session = saved(sessions);
        let old = *session.id();
        session.invalidate().unwrap();
        assert!(sessions.open(&old).is_err());
        assert_ne!(*session.id(), old);
        assert!(session.values().is_empty());
    });
}

/// `cycle_key` is `regenerate_id`.
#[test]
fn cycling_the_key_keeps_the_data() {
    each(|sessions| {
        let mut session = saved(sessions);
        let old = *session.id();
        session.regenerate_id().unwrap();
        assert_ne!(*session.id(), old);
        assert!(sessions.open(&old).is_err());
        let opened = sessions.open(session.id()).unwrap();
        assert_eq!(opened.get("foo"), Some(&"bar".into()));
    });
}

#[test]
fn a_key_is_never_a_path() {
    for key in ["1", "", "a\\b\\c", "a/b/c", "../x", "abcdefghijklmnopqrstuvwxyz0123456"] {
        assert!(key.parse::<SessionId>().is_err(), "{key}");
    }
}

#[test]
fn a_key_that_nobody_has_makes_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let backend = Backend::open("file", &[("data_dir", data.to_str().unwrap())]).unwrap();
    let signer = Signer::random().unwrap();
    let sessions = Sessions::new(backend).signed_by(signer.clone());
    let unknown = signer.sign("beaker.session.id", SessionId::random().as_str());
    let session = sessions.load(Some(&format!("beaker.session.id={unknown}"))).unwrap();
    assert_eq!(session.origin(), Origin::Rejected(Rejection::Unknown));
    assert!(!unknown.starts_with(session.id().as_str()));
    let mut files = Vec::new();
    let mut folders = vec![data];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    assert!(files.is_empty(), "{files:?}");
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let below = file.path().join("sessions");
    let opened = Backend::open("file", &[("data_dir", below.to_str().unwrap())]);
    assert!(opened.is_err(), "{opened:?}");
}

/// A worker that saves late must not log somebody in again.
#[test]
fn a_save_does_not_resurrect_a_session_that_was_logged_out() {
    each(|sessions| {
        let first = saved(sessions);
        let mut late = sessions.open(first.id()).unwrap();
        let mut logs_out = sessions.open(first.id()).unwrap();
        logs_out.invalidate().unwrap();
        late.set("foo", "baz");
        assert_eq!(late.save().unwrap_err().kind(), ErrorKind::SessionGone);
        assert!(sessions.open(first.id()).is_err());
    });
}

#[test]
fn an_expired_session_is_empty_and_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(FileStore::open(folder.path()).unwrap().with_clock(clock.clone()));
    let backend = Backend::new(store.clone(), LocalLocks::new());
    let sessions = Sessions::new(backend).clock(clock.clone());
    let hour = Duration::from_secs(3600);
    let short = *saved(&sessions.clone().timeout(hour)).id();
    let long = *saved(&sessions.clone().timeout(3 * hour)).id();
    clock.advance(hour + Duration::from_micros(1));
    assert!(sessions.open(&short).is_err(), "also by a handle without the timeout");
    // `clearsessions` is a sweep.
    assert_eq!(sweeper::sweep(&*store).unwrap(), 1);
    assert!(sessions.clone().timeout(3 * hour).open(&long).is_ok());
}

#[test]
fn what_cannot_be_decoded_is_no_session_and_is_counted() {
    use beaker::key::Namespace;
    use beaker::store::{MemoryStore, Precondition, Store};

    let store = Arc::new(MemoryStore::new());
    let sessions = Sessions::new(Backend::new(store.clone(), LocalLocks::new()));
    let id = *saved(&sessions).id();
    let key = Namespace::default().key(id.as_str());
    store.put(&key, b"flaskdj:alkdjf", None, Precondition::Always).unwrap();
    assert!(sessions.open(&id).is_err());
    assert_eq!(sessions.damaged(), 1);
}

#[test]
fn a_cookie_of_the_whole_session_that_was_changed_is_not_read() {
    each(|sessions| {
        let session = saved(sessions);
        let sent = cookie(&session);
        for at in "beaker.session.id=".len()..sent.len() {
            let mut changed = sent.clone();
            let other = if &sent[at..=at] == "A" { "B" } else { "A" };
            changed.replace_range(at..=at, other);
            let loaded = sessions.load(Some(&changed)).unwrap();
            assert!(loaded.is_new() && loaded.values().is_empty(), "{changed}");
        }
    });
}
