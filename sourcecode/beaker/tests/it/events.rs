//! What is told of sessions and caches: spans, events, counters, and never a whole id.

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use beaker::{Backend, ErrorKind, Rejection, Sessions, Signer};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes down whatever is told in one thread: other tests run in others.
#[derive(Clone)]
struct Listener {
    told: Arc<Mutex<String>>,
    thread: ThreadId,
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Listener {
    fn tell(&self, what: &str, metadata: &Metadata<'_>, fields: impl FnOnce(&mut Fields<'_>)) {
        if thread::current().id() != self.thread {
            return;
        }
        let mut told = self.told.lock().unwrap();
        write!(told, "{what} {} {}", metadata.level(), metadata.target()).unwrap();
        fields(&mut Fields(&mut told));
        told.push('\n');
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("beaker")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.tell(span.metadata().name(), span.metadata(), |fields| span.record(fields));
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        self.tell("event", event.metadata(), |fields| event.record(fields));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn what_happens_is_told_and_counted() {
    let listener = Listener { told: Arc::default(), thread: thread::current().id() };
    tracing::subscriber::set_global_default(listener.clone()).unwrap();
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let id = {
        let mut session = sessions.create();
        session.set("a", 1);
        session.save().unwrap();
        let header = session.set_cookie().unwrap().unwrap();
        let cookie = header.split(';').next().unwrap();
        sessions.load(Some(cookie)).unwrap().touch().unwrap();
        let mut other = sessions.open(session.id()).unwrap();
        other.set("b", 2);
        other.save().unwrap();
        session.set("c", 3);
        session.save().unwrap();
        assert!(sessions.load(Some("beaker.session.id=forged")).unwrap().is_new());
        session.delete().unwrap();
        other.set("d", 4);
        assert_eq!(other.save().unwrap_err().kind(), ErrorKind::SessionGone);
        assert!(sessions.load(Some(cookie)).unwrap().is_new());
        *session.id()
    };
    let cache = beaker::Cache::<u32>::in_memory(10);
    let fails = || Err::<u32, _>(beaker::Error::new(ErrorKind::Application, "the source is down"));
    cache.try_get_or_create("standings", fails).unwrap_err();
    let told = listener.told.lock().unwrap();
    for line in [
        "session.save DEBUG beaker::session id=",
        "session.load DEBUG beaker::session",
        "event DEBUG beaker::session message=loaded id=",
        "event DEBUG beaker::session message=access noted id=",
        "event DEBUG beaker::session message=somebody else saved first",
        "event DEBUG beaker::session message=not saved: it has ended meanwhile id=",
        "event WARN beaker::session message=cookie rejected reason=Signature",
        "event DEBUG beaker::session message=cookie rejected reason=Unknown",
        "cache.create DEBUG beaker::cache key=standings",
        "event WARN beaker::cache message=the creator failed key=standings error=the source is down",
    ] {
        assert!(told.contains(line), "{line} is not in\n{told}");
    }
    assert!(!told.contains(id.as_str()) && told.contains(&id.as_str()[..8]), "{told}");
    let counters = sessions.counters();
    let counted = (counters.loads, counters.saves, counters.touches, counters.conflicts);
    assert_eq!(counted, (2, 3, 1, 1), "{counters:?}");
    assert_eq!(counters.rejected, [(Rejection::Signature, 1), (Rejection::Unknown, 1)]);
}
