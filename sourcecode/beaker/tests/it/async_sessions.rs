//! Sessions of asynchronous programs: what a dropped call leaves, what an outage means, and who waits where.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use beaker::lock::LocalLocks;
use beaker::session::OnStoreFailure;
use beaker::{
    AsyncBackend, AsyncSession, AsyncSessions, Backend, Error, ErrorKind, Origin, Result,
    SessionId, Sessions, Signer, Value,
};
use tokio::runtime::{Builder, Runtime};

use crate::halting::Halting;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn sessions_in(store: &Halting) -> AsyncSessions {
    AsyncSessions::new(AsyncBackend::new(store.clone(), LocalLocks::new()))
        .signed_by(Signer::new(["0123456789abcdef0123456789abcdef"]).unwrap())
}

/// The same sessions for a program whose threads wait, which sees what is stored.
fn looking_at(store: &Halting) -> Sessions {
    Sessions::new(Backend::new(store.memory.clone(), LocalLocks::new()))
}

/// Polls a future so many times, and drops it; tells whether it ended before.
fn drop_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

/// What somebody does with a session of Kimi's who is gone before it is done.
type Act = for<'a> fn(
    &'a AsyncSessions,
    &'a mut AsyncSession,
) -> std::pin::Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

fn acts() -> Vec<(&'static str, Act)> {
    vec![
        ("load", |sessions, session| {
            Box::pin(async move { sessions.open(&session.id().clone()).await.map(drop) })
        }),
        ("save", |_, session| {
            Box::pin(async move {
                session.set("points", 110);
                session.save().await
            })
        }),
        ("save over what others saved", |sessions, session| {
            Box::pin(async move {
                let mut other = sessions.open(session.id()).await?;
                other.set("team", "Lotus");
                other.save().await?;
                session.set("points", 110);
                session.save().await
            })
        }),
        ("save anew", |sessions, _| {
            Box::pin(async move {
                let mut new = sessions.create();
                new.set_user("kimi");
                new.save().await
            })
        }),
        ("regenerate_id", |_, session| Box::pin(session.regenerate_id())),
        ("touch", |_, session| Box::pin(session.touch())),
        ("delete", |_, session| Box::pin(session.delete())),
        ("invalidate", |_, session| {
            Box::pin(async move {
                session.invalidate().await?;
                session.set("flash", "bye");
                session.save().await
            })
        }),
        ("sessions_of", |sessions, _| {
            Box::pin(async move { sessions.sessions_of("kimi").await.map(drop) })
        }),
        ("revoke_all", |sessions, _| {
            Box::pin(async move { sessions.revoke_all("kimi", None).await.map(drop) })
        }),
    ]
}

/// Wherever a call is dropped: what is stored is the old or the new, others get on at once, the visitor can
/// be logged out everywhere, and the handle of the call can be used again.
#[test]
fn a_call_that_is_dropped_at_any_await_leaves_nothing_half_done() {
    let runtime = runtime();
    for (name, act) in acts() {
        let mut ended = false;
        for polls in 0..200 {
            let store = Halting::default();
            let sessions = sessions_in(&store).grace(Duration::from_secs(60));
            let mut session = sessions.create();
            session.set_user("kimi");
            session.set("points", 100);
            runtime.block_on(session.save()).unwrap();
            let id = *session.id();
            ended = drop_after(polls, act(&sessions, &mut session)).is_some();
            let what = format!("{name}, dropped after {polls} polls");

            // What is stored under the id that the visitor has is whole.
            let look = looking_at(&store).grace(Duration::from_secs(60));
            if let Ok(stored) = look.open(&id) {
                let points = stored.get("points").and_then(Value::as_int);
                assert!(matches!(points, Some(100 | 110)), "{what}: {points:?}");
                assert_eq!(stored.user(), Some("kimi"), "{what}");
            }
            // Others get on, whatever was held.
            runtime.block_on(async {
                if let Ok(mut other) = sessions.open(&id).await {
                    other.set("others", true);
                    other.save().await.unwrap_or_else(|error| panic!("{what}: {error}"));
                }
            });
            // The one whose call it was tries again.
            let again = runtime.block_on(act(&sessions, &mut session));
            let is_expected = match &again {
                Ok(()) => true,
                Err(error) => {
                    matches!(error.kind(), ErrorKind::SessionGone | ErrorKind::UnknownSession)
                }
            };
            assert!(is_expected, "{what}: {again:?}");
            if again.is_ok() && matches!(name, "delete" | "invalidate") {
                assert!(look.open(&id).is_err(), "{what}, and then ended");
            }
            // And whoever is to be logged out is.
            runtime.block_on(sessions.revoke_all("kimi", None)).unwrap();
            for id in [id, *session.id()] {
                let left = look.open(&id).ok().filter(|session| session.user().is_some());
                assert!(left.is_none(), "{what}: {left:?}");
            }
            assert_eq!(look.sessions_of("kimi").unwrap(), [], "{what}");
            if ended {
                break;
            }
        }
        assert!(ended, "{name} takes more polls than were tried");
    }
}

/// Sixteen tasks add at once, over a store that lets others in at each step, and nothing is lost.
#[test]
fn tasks_at_once_lose_no_update() {
    let store = Halting::default();
    let sessions = sessions_in(&store);
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let id = runtime.block_on(async {
        let mut session = sessions.create();
        session.save().await.unwrap();
        *session.id()
    });
    let tasks = (0..16).map(|_| {
        let sessions = sessions.clone();
        runtime.spawn(async move {
            for _ in 0..50 {
                let mut session = sessions.open(&id).await?;
                session.update("count", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
                session.save().await?;
            }
            Ok::<(), Error>(())
        })
    });
    let tasks: Vec<_> = tasks.collect();
    tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap().unwrap());
    let count = looking_at(&store).open(&id).unwrap().get("count").and_then(Value::as_int);
    assert_eq!(count, Some(800));
}

/// A blocking and an asynchronous program share sessions, and each sees what the other has saved.
#[test]
fn both_kinds_of_program_share_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let options = [("data_dir", folder.path().to_str().unwrap())];
    let blocking = Sessions::new(Backend::open("file", &options).unwrap());
    let tasks = AsyncSessions::from(blocking.clone());
    let mut session = blocking.create();
    session.set("from", "a thread");
    session.save().unwrap();
    runtime().block_on(async {
        let mut same = tasks.open(session.id()).await.unwrap();
        assert_eq!(same.get("from").and_then(Value::as_str), Some("a thread"));
        same.set("from", "a task");
        same.save().await.unwrap();
    });
    let again = blocking.open(session.id()).unwrap();
    assert_eq!(again.get("from").and_then(Value::as_str), Some("a task"));
}

fn cookie_of(session: &AsyncSession) -> String {
    let header = session.set_cookie().unwrap().unwrap();
    header.split(';').next().unwrap().to_owned()
}

#[test]
fn one_event_an_outage_and_one_when_it_is_over() {
    let store = Halting::default();
    let sessions = sessions_in(&store).on_store_failure(OnStoreFailure::Empty);
    let runtime = runtime();
    let cookie = runtime.block_on(async {
        let mut session = sessions.create();
        session.save().await.unwrap();
        cookie_of(&session)
    });
    let told = crate::events::warnings(|| {
        for _ in 0..2 {
            for is_down in [true, false] {
                store.set_down(is_down);
                for _ in 0..3 {
                    runtime.block_on(sessions.load(Some(&cookie))).unwrap();
                }
            }
        }
    });
    let (fails, is_back) = ("the store cannot be reached", "the store can be reached again");
    assert_eq!(told.len(), 4, "{told:?}");
    for (told, wanted) in told.iter().zip([fails, is_back, fails, is_back]) {
        assert!(told.contains(wanted), "{told}");
    }
}

/// While the store is down, a request fails, or goes on with an empty session that can do no harm.
#[test]
fn a_store_that_is_down_fails_or_gives_an_empty_session() {
    let store = Halting::default();
    let strict = sessions_in(&store);
    let lenient = strict.clone().on_store_failure(OnStoreFailure::Empty);
    runtime().block_on(async {
        let mut session = strict.create();
        session.set("basket", "helmet");
        session.save().await.unwrap();
        let cookie = cookie_of(&session);

        store.set_down(true);
        let error = strict.load(Some(&cookie)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);

        let mut empty = lenient.load(Some(&cookie)).await.unwrap();
        assert_eq!(empty.origin(), Origin::Unavailable);
        assert!(empty.is_new() && empty.values().is_empty());
        assert_eq!(empty.set_cookie().unwrap(), None, "the visitor keeps the cookie");
        empty.set("basket", "nothing");
        store.set_down(false);
        for result in [
            empty.save().await,
            empty.regenerate_id().await,
            empty.delete().await,
            empty.invalidate().await,
        ] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Unavailable);
        }
        let after = lenient.load(Some(&cookie)).await.unwrap();
        assert_eq!(after.get("basket").and_then(Value::as_str), Some("helmet"));
        // An id that the program gives is no page of a visitor.
        store.set_down(true);
        let opened = lenient.open(&SessionId::random()).await;
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::Unavailable);
    });
}
