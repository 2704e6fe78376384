//! The devices of a user: what the list says, what it costs, and ending one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::LocalLocks;
use beaker::session::DeviceHandle;
use beaker::store::{MemoryStore, Precondition, Store, Stored, Version};
use beaker::{Backend, Clock, ErrorKind, ManualClock, Result};

use super::{Session, Sessions};

use crate::any_backend;

const HOUR: Duration = Duration::from_secs(3600);

fn login(sessions: &Sessions, user: &str, label: &str) -> Session {
    let mut session = sessions.create();
    session.set_user(user);
    session.set_label(label);
    session.save().unwrap();
    session
}

fn labels(sessions: &Sessions, user: &str) -> Vec<String> {
    let devices = sessions.devices_of(user).unwrap();
    devices.iter().map(|device| device.label().unwrap_or("?").to_owned()).collect()
}

#[test]
fn what_the_list_says() {
    let clock = Arc::new(ManualClock::default());
    let sessions = Sessions::new(Backend::memory()).timeout(HOUR).clock(clock.clone());
    let phone = login(&sessions, "kimi", "Phone");
    let began = clock.now();
    clock.advance(HOUR / 2);
    let mut laptop = login(&sessions, "kimi", "Laptop");
    sessions.open(phone.id()).unwrap().touch().unwrap();
    login(&sessions, "jenson", "Phone");
    let devices = sessions.devices_of("kimi").unwrap();
    let seen: Vec<_> =
        devices.iter().map(|it| (it.label(), it.created(), it.last_seen(), it.ends_at())).collect();
    let (now, end) = (clock.now(), Some(clock.now() + HOUR));
    assert_eq!(seen, [(Some("Phone"), began, now, end), (Some("Laptop"), now, now, end)]);
    assert_eq!((devices[0].handle(), devices[1].handle()), (&phone.device(), &laptop.device()));
    // Nothing in it is a key to the session.
    let shown = format!("{devices:?}");
    assert!(!shown.contains(&phone.id().as_str()[..8]), "{shown}");
    laptop.delete().unwrap();
    assert_eq!(labels(&sessions, "kimi"), ["Phone"]);
    clock.advance(2 * HOUR);
    assert_eq!(labels(&sessions, "kimi"), [""; 0]);
}

#[test]
fn one_is_ended_by_its_handle_and_by_its_user_alone() {
    any_backend::each(|backend| {
        let sessions = Sessions::new(backend);
        let (phone, laptop) =
            (login(&sessions, "kimi", "Phone"), login(&sessions, "kimi", "Laptop"));
        let sent: DeviceHandle = phone.device().to_string().parse().unwrap();
        assert!(!sessions.end_device("jenson", &sent).unwrap());
        assert!(!sessions.end_device("kimi", &sessions.create().device()).unwrap());
        assert_eq!(labels(&sessions, "kimi"), ["Phone", "Laptop"]);
        let mut late = sessions.open(phone.id()).unwrap();
        assert!(sessions.end_device("kimi", &sent).unwrap());
        assert!(!sessions.end_device("kimi", &sent).unwrap(), "it has ended already");
        assert_eq!(labels(&sessions, "kimi"), ["Laptop"]);
        late.set("a", 1);
        assert_eq!(late.save().unwrap_err().kind(), ErrorKind::SessionGone);
        assert_eq!(sessions.revoke_all("kimi", Some(laptop.id())).unwrap(), 0);
        assert!(sessions.open(laptop.id()).is_ok());
    });
}

#[test]
fn one_that_has_got_a_new_id_is_ended_by_the_handle_in_the_page() {
    any_backend::each(|backend| {
        let sessions = Sessions::new(backend);
        let mut phone = login(&sessions, "kimi", "Phone");
        let in_the_page = phone.device();
        phone.regenerate_id().unwrap();
        assert_ne!(phone.device(), in_the_page);
        assert_eq!(labels(&sessions, "kimi"), ["Phone"], "it is one session");
        assert!(sessions.end_device("kimi", &in_the_page).unwrap());
        assert!(sessions.open(phone.id()).is_err());
    });
}

#[test]
fn a_session_that_has_another_user_now_is_none_of_theirs() {
    let sessions = Sessions::new(Backend::memory());
    let mut shared = login(&sessions, "kimi", "Kiosk");
    shared.set_user("jenson");
    shared.save().unwrap();
    assert_eq!(labels(&sessions, "kimi"), [""; 0]);
    assert!(!sessions.end_device("kimi", &shared.device()).unwrap());
    assert!(sessions.end_device("jenson", &shared.device()).unwrap());
}

#[test]
fn labels_are_cut_and_may_be_missing() {
    let sessions = Sessions::new(Backend::memory());
    let mut session = login(&sessions, "kimi", &"ä".repeat(10_000));
    assert_eq!(session.label().unwrap().chars().count(), 200);
    session.remove("_label");
    session.save().unwrap();
    assert_eq!(sessions.devices_of("kimi").unwrap()[0].label(), None);
}

#[test]
fn whatever_a_form_sends_is_no_panic() {
    let id = beaker::SessionId::random();
    for sent in ["", "x", "=", "ä", id.as_str(), &"A".repeat(23), &"A".repeat(21), &"-".repeat(22)]
    {
        let error = sent.parse::<DeviceHandle>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownSession, "{sent}");
        assert!(error.to_string().contains("`devices_of`"), "{error}");
    }
}

/// Counts how often it is asked.
#[derive(Debug, Clone, Default)]
struct Counting {
    store: Arc<MemoryStore>,
    reads: Arc<AtomicUsize>,
}

impl Counting {
    fn count(&self) {
        self.reads.fetch_add(1, Ordering::SeqCst);
    }
}

impl Store for Counting {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.count();
        self.store.get(key)
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        self.count();
        self.store.get_many(keys)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.store.put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.store.delete(key, when)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.store.clear(namespace)
    }
}

#[test]
fn the_list_takes_two_reads() {
    let store = Counting::default();
    let sessions = Sessions::new(Backend::new(store.clone(), LocalLocks::new()));
    for number in 0..64 {
        login(&sessions, "kimi", &number.to_string());
    }
    let before = store.reads.load(Ordering::SeqCst);
    assert_eq!(sessions.devices_of("kimi").unwrap().len(), 64);
    assert_eq!(store.reads.load(Ordering::SeqCst) - before, 2);
}

#[cfg(feature = "cookies")]
#[test]
fn sessions_in_cookies_are_not_listed_and_the_error_says_so() {
    use beaker::Signer;
    let signer = Signer::new([b"0123456789abcdef0123456789abcdef"]).unwrap();
    let sessions = beaker::Sessions::in_signed_cookies(signer);
    let session = sessions.create();
    for error in [
        sessions.devices_of("kimi").unwrap_err(),
        sessions.end_device("kimi", &session.device()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("backend"), "{error}");
    }
}
