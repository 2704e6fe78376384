//! Sessions on a server that is not well: what is the same for all of them.

use std::time::{Duration, Instant};

use beaker::{Backend, ErrorKind, Sessions};
use servers::Fault;
use servers::built_in::{BuiltIn, Protocol};

pub const DEADLINE: Duration = Duration::from_millis(300);

/// Sessions in the backend of this name while its server has this fault: errors, about within the
/// deadline, that name the server; and all is well when the fault is gone.
#[track_caller]
pub fn check<P: Protocol>(backend: &str, server: &BuiltIn<P>, fault: Fault) {
    let (address, deadline) = (server.address().to_string(), DEADLINE.as_millis().to_string());
    let options = [("url", address.as_str()), ("deadline", deadline.as_str())];
    check_backend(Backend::open(backend, &options).unwrap(), server, fault);
}

/// The same for a backend that is open already, with that deadline.
#[track_caller]
pub fn check_backend<P: Protocol>(backend: Backend, server: &BuiltIn<P>, fault: Fault) {
    let address = server.address().to_string();
    let sessions = Sessions::new(backend);
    sessions.ping().unwrap();
    let mut session = sessions.create();
    session.set("Suomi", "Kimi Räikkönen");
    session.save().unwrap();

    server.fault(fault);
    for _ in 0..3 {
        let begun = Instant::now();
        let error = sessions.open(session.id()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.to_string().contains(&address), "{error}");
        assert!(begun.elapsed() < DEADLINE * 4, "it took {:?}", begun.elapsed());
        session.set("Suomi", "Valtteri Bottas");
        assert_eq!(session.save().unwrap_err().kind(), ErrorKind::Unavailable);
    }
    assert_eq!(sessions.ping().unwrap_err().kind(), ErrorKind::Unavailable);
    server.fault(Fault::None);
    sessions.ping().unwrap();
    session.save().unwrap();
    let opened = sessions.open(session.id()).unwrap();
    assert_eq!(opened.require("Suomi").unwrap().as_str(), Some("Valtteri Bottas"));
}
