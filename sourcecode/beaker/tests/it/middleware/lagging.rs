//! A clock whose quick reading lags behind, as the kernel's does: no time of a session goes back for it.

use std::sync::Arc;
use std::time::Duration;

use beaker::middleware::RequestSession;
use beaker::{Clock, ManualClock, Timestamp};

use super::page;
use super::site::{Visitor, everywhere};

const LAG: Duration = Duration::from_millis(10);

#[derive(Debug, Default)]
struct Lagging(ManualClock);

impl Clock for Lagging {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn recent(&self) -> Timestamp {
        let lag = LAG.as_micros() as u64;
        Timestamp::from_micros(self.0.now().as_micros() - lag)
    }

    fn sleep(&self, time: Duration) {
        self.0.sleep(time);
    }
}

#[test]
fn accesses_never_go_back() {
    let clock = Arc::new(Lagging::default());
    let with_clock = |sessions: beaker::Sessions| sessions.clock(clock.clone());
    let shown = |session: &mut RequestSession, path: &str| {
        let (created, last) = (session.created(), session.last_accessed());
        assert!(last.is_none_or(|last| last >= created), "created {created}, then {last:?}");
        page(session, path)
    };
    everywhere(with_clock, shown, |site, _, sessions| {
        let visitor = Visitor::new(site);
        let mut before = None;
        for (step, path) in ["/", "/", "/look", "/login", "/"].into_iter().enumerate() {
            clock.0.advance(LAG / 4 * step as u32);
            visitor.body(path);
            let id = visitor.id();
            let noted = sessions.open(&id).unwrap().last_accessed();
            assert!(noted >= before, "{path}: {before:?}, then {noted:?}");
            let now = clock.now();
            assert!(noted.is_some_and(|noted| noted <= now && now.since(noted) <= LAG));
            before = noted;
        }
    });
}

#[test]
fn a_session_times_out_no_sooner_and_hardly_later() {
    const TIMEOUT: Duration = Duration::from_secs(60);
    let clock = Arc::new(Lagging::default());
    let with_timeout = |sessions: beaker::Sessions| sessions.clock(clock.clone()).timeout(TIMEOUT);
    everywhere(with_timeout, page, |site, _, _| {
        let visitor = Visitor::new(site);
        assert_eq!(visitor.body("/"), "1");
        clock.0.advance(TIMEOUT);
        assert_eq!(visitor.body("/"), "2");
        clock.0.advance(TIMEOUT + 2 * LAG);
        assert_eq!(visitor.body("/"), "1");
    });
}
