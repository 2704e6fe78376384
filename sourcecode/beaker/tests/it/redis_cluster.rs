//! A cluster of three masters on this machine, and one of them lost.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use beaker::key::{Key, Namespace};
use beaker::store::{RedisStore, Store, When};
use beaker::{Backend, ErrorKind, Sessions};
use servers::redis::RedisCluster;

const DEADLINE: Duration = Duration::from_secs(1);

/// Nothing if redis is not installed and not required.
fn start() -> Option<RedisCluster> {
    let cluster = RedisCluster::start().unwrap();
    assert!(cluster.is_some() || !servers::required(), "redis is required and not installed");
    cluster
}

#[cfg(feature = "conformance")]
#[test]
fn the_contract() {
    use beaker::store::conformance::{Subject, check};
    let Some(cluster) = start() else { return };
    let store = RedisStore::open_cluster(&cluster.url(), Duration::from_secs(5)).unwrap();
    check(&Subject::new(&store, |time| beaker::Clock::sleep(&beaker::SystemClock, time)));
    assert_eq!(store.damaged(), 0);
}

#[test]
fn a_node_alone_and_one_name_for_all() {
    let Some(cluster) = start() else { return };
    let first = cluster.addresses()[0].to_string();
    // Of the three, one is named, and one that does not exist.
    let url = format!("127.0.0.1:1;{first}");
    let sessions = Sessions::new(Backend::open("ext:rediscluster", &[("urls", &url)]).unwrap());
    for _ in 0..20 {
        let mut session = sessions.create();
        session.save().unwrap();
        sessions.open(session.id()).unwrap();
    }
    let alone = RedisStore::open(&first, DEADLINE).unwrap();
    let errors = (0..20).filter_map(|number| alone.get(&key(number)).err());
    let errors: Vec<_> = errors.collect();
    assert!(!errors.is_empty());
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(error.to_string().contains("use `ext:rediscluster`"), "{error}");
    }
}

fn key(number: usize) -> Key {
    Namespace::new("work").key(number.to_string())
}

/// 8 threads write and read their own keys; each knows what it wrote last.
#[test]
fn a_master_is_lost_and_comes_back() {
    let Some(mut cluster) = start() else { return };
    let lost_address = cluster.addresses()[1].to_string();
    let store = RedisStore::open_cluster(&cluster.url(), DEADLINE).unwrap();
    let (stop, is_down) = (AtomicBool::new(false), AtomicBool::new(false));
    let rounds: [AtomicUsize; 8] = Default::default();
    let slowest = Mutex::new(Duration::ZERO);
    let (failed, well) = (Mutex::new(HashSet::new()), Mutex::new(HashSet::new()));

    thread::scope(|scope| {
        for (thread, rounds) in rounds.iter().enumerate() {
            let (store, stop, is_down) = (&store, &stop, &is_down);
            let (slowest, failed, well) = (&slowest, &failed, &well);
            scope.spawn(move || {
                let mut round = 0_u64;
                let mut written = [None; 16];
                while !stop.load(Ordering::Relaxed) {
                    round += 1;
                    for (slot, last) in written.iter_mut().enumerate() {
                        let key = key(thread * 16 + slot);
                        let down_before = is_down.load(Ordering::SeqCst);
                        let begun = Instant::now();
                        let read = store.get(&key);
                        let read_took = begun.elapsed();
                        let begun = Instant::now();
                        let value = round.to_le_bytes();
                        let put = store.put(&key, &value, None, When::Always);
                        let took = read_took.max(begun.elapsed());
                        let mut slowest = slowest.lock().unwrap();
                        *slowest = took.max(*slowest);
                        drop(slowest);
                        // A write that failed may have been done.
                        if let (Ok(Some(stored)), Some(last)) = (&read, *last) {
                            let read = u64::from_le_bytes((&*stored.bytes).try_into().unwrap());
                            assert!(read >= last && read < round, "{read}, not {last}");
                        }
                        if let Err(error) =
                            read.as_ref().err().or(put.as_ref().err()).map_or(Ok(()), Err)
                        {
                            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                            failed.lock().unwrap().insert(key.clone());
                        } else if down_before && is_down.load(Ordering::SeqCst) {
                            well.lock().unwrap().insert(key.clone());
                        }
                        if put.is_ok() {
                            *last = Some(round);
                        }
                    }
                    rounds.store(round as usize, Ordering::Relaxed);
                }
            });
        }
        let wait_for_rounds = |more: usize| {
            let begun = Instant::now();
            for rounds in &rounds {
                let before = rounds.load(Ordering::Relaxed);
                while rounds.load(Ordering::Relaxed) < before + more {
                    assert!(begun.elapsed() < Duration::from_secs(60), "nobody works any more");
                    thread::yield_now();
                }
            }
        };
        wait_for_rounds(10);
        cluster.stop(1);
        is_down.store(true, Ordering::SeqCst);
        wait_for_rounds(30);
        is_down.store(false, Ordering::SeqCst);
        cluster.start_again(1).unwrap();
        wait_for_rounds(10);
        stop.store(true, Ordering::Relaxed);
    });

    // Which keys were on the lost master: it says where the others are.
    let alone = RedisStore::open(&lost_address, DEADLINE).unwrap();
    let (failed, well) = (failed.into_inner().unwrap(), well.into_inner().unwrap());
    let mut lost = 0;
    for key in (0..128).map(key) {
        let was_lost = alone.get(&key).is_ok();
        lost += usize::from(was_lost);
        assert_eq!(failed.contains(&key), was_lost, "{key:?}");
        assert_eq!(well.contains(&key), !was_lost, "{key:?}");
        let version = store.put(&key, b"after", None, When::Always).unwrap().unwrap();
        assert_eq!(store.get(&key).unwrap().unwrap().version, version);
    }
    let slowest = slowest.into_inner().unwrap();
    println!("{lost} of 128 keys were lost for a while; the slowest operation took {slowest:?}");
    assert!(slowest < DEADLINE * 2, "{slowest:?}");
    store.clear(&Namespace::new("work")).unwrap();
    assert!((0..128).all(|number| store.get(&key(number)).unwrap().is_none()));
}
