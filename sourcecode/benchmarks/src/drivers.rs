//! The session that is measured: the chapter's three drivers.

use beaker::session::SessionData;
use beaker::{Backend, Clock, Session, Sessions, SystemClock, Values};

const DRIVERS: [(&str, &str); 3] = [
    ("Suomi", "Kimi Räikkönen"),
    ("Great Britain", "Jenson Button"),
    ("Deutschland", "Sebastian Vettel"),
];

/// Sets the three drivers.
pub fn drivers(session: &mut Session) {
    for (country, driver) in DRIVERS {
        session.set(country, driver);
    }
}

/// The same data as a session stores, for the bare side.
#[must_use]
pub fn data() -> SessionData {
    let now = SystemClock.now();
    let values: Values = DRIVERS.map(|(country, driver)| (country.into(), driver.into())).into();
    SessionData { created: now, accessed: now, values }
}

/// Sessions in this backend.
pub fn sessions_of(name: &str, options: &[(&str, &str)]) -> Sessions {
    Sessions::new(Backend::open(name, options).expect("the backend opens"))
}
