//! A session in the format of Python's Beaker, beside the same session in our own format: loaded from redis and
//! saved there.

use std::hint::black_box;

use beaker::session::BeakerFormat;
use beaker::{Backend, SessionId, Sessions};
use benchmarks::{Limit, compare, drivers};
use servers::Redis;

/// What loading may cost.
const LOAD: Limit = Limit::Times(1.5);

/// A save writes both times, and in a pickle what was there before is compared with it.
const SAVE: Limit = Limit::Times(2.0);

fn main() {
    let server = Redis::for_programs().unwrap();
    println!("{}", server.describe());
    let url = server.url();
    let options = [("url", url.as_str())];
    let own = Sessions::new(Backend::open("ext:redis", &options).unwrap()).namespace("own");
    let own_id = saved(&own);
    for (name, format) in [("json", BeakerFormat::json()), ("pickle", BeakerFormat::pickle())] {
        let backend = Backend::open_beaker("ext:redis", &options).unwrap();
        let beakers = Sessions::new(backend).shared_with_beaker(format);
        let id = saved(&beakers);
        compare(
            &format!("redis: load a session of Beaker's, {name}"),
            LOAD,
            || drop(black_box(beakers.open(&id).unwrap())),
            || drop(black_box(own.open(&own_id).unwrap())),
        );
        compare(
            &format!("redis: load, change and save a session of Beaker's, {name}"),
            SAVE,
            || cycle(&beakers, &id),
            || cycle(&own, &own_id),
        );
    }
}

/// Saves the chapter's session.
fn saved(sessions: &Sessions) -> SessionId {
    let mut session = sessions.create();
    drivers(&mut session);
    session.save().unwrap();
    *session.id()
}

fn cycle(sessions: &Sessions, id: &SessionId) {
    let mut session = sessions.open(id).unwrap();
    session.update("laps", |laps| laps.and_then(beaker::Value::as_int).unwrap_or(0) + 1);
    session.save().unwrap();
}
