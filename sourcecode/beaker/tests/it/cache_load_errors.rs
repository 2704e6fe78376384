//! Loaders whose errors are of any kind, over every kind of storage, for threads and for tasks.

use std::fmt;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use beaker::cache::LoadError;
use beaker::{Error, ErrorKind};

use crate::caches::each;

/// Neither `Display`, nor `Clone`, nor `From<beaker::Error>`.
#[derive(Debug, PartialEq)]
enum Missing {
    Driver(u32),
}

fn missing(number: u32) -> impl Fn() -> Result<String, Missing> {
    move || Err(Missing::Driver(number))
}

#[test]
fn the_error_comes_back_as_it_is() {
    each(|cache, clock| {
        let error = cache.get_or_load("a", missing(1)).unwrap_err();
        assert_eq!(error.loader(), Some(&Missing::Driver(1)));
        // Remembered, with its type.
        let error = cache.get_or_load("a", missing(2)).unwrap_err();
        assert_eq!(error.loader(), Some(&Missing::Driver(1)));
        clock.advance(Duration::from_millis(100));
        let given = cache.get_or_load("a", || Ok::<_, Missing>("1".to_owned()));
        assert_eq!(given.unwrap(), "1");
        assert_eq!(cache.get_or_load("a", missing(3)).unwrap(), "1");
        assert_eq!(cache.stats().failures, 1);
    });
}

#[test]
fn all_who_wait_share_one_error() {
    each(|cache, _| {
        let (begun, begins) = mpsc::channel();
        let (end, ends) = mpsc::channel();
        let start = Barrier::new(3);
        thread::scope(|scope| {
            let leads = scope.spawn(|| {
                cache.get_or_load("a", move || {
                    begun.send(()).unwrap();
                    ends.recv().unwrap();
                    Err::<String, _>(Missing::Driver(1))
                })
            });
            begins.recv().unwrap();
            let same = scope.spawn(|| {
                start.wait();
                cache.get_or_load("a", missing(2))
            });
            let other = scope.spawn(|| {
                start.wait();
                cache.get_or_load("a", || Err::<String, _>("another type"))
            });
            start.wait();
            while cache.stats().waits < 2 {
                thread::yield_now();
            }
            end.send(()).unwrap();
            let [one, same] = [leads, same].map(|call| call.join().unwrap().unwrap_err());
            match (one, same) {
                (LoadError::Loader(one), LoadError::Loader(same)) => {
                    assert!(Arc::ptr_eq(&one, &same));
                }
                other => panic!("{other:?}"),
            }
            match other.join().unwrap().unwrap_err() {
                LoadError::Cache(error) => {
                    assert_eq!(error.kind(), ErrorKind::Creation);
                    assert!(error.to_string().contains("Driver(1)"), "{error}");
                }
                error @ LoadError::Loader(_) => panic!("{error:?}"),
            }
        });
    });
}

#[test]
fn an_error_of_the_cache_is_told_apart() {
    each(|cache, _| {
        let panics = std::panic::AssertUnwindSafe(|| {
            drop(cache.get_or_load("a", || -> Result<String, Missing> {
                std::panic::resume_unwind(Box::new("on purpose"))
            }));
        });
        std::panic::catch_unwind(panics).unwrap_err();
        match cache.get_or_load("a", missing(1)).unwrap_err() {
            LoadError::Cache(error) => assert!(error.to_string().contains("on purpose"), "{error}"),
            error @ LoadError::Loader(_) => panic!("{error:?}"),
        }
    });
}

/// What has to be `From<beaker::Error>` can be a `LoadError`.
#[test]
fn it_is_an_error_for_the_other_operations() {
    #[derive(Debug)]
    struct Down;
    impl fmt::Display for Down {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the source is down")
        }
    }
    impl std::error::Error for Down {}
    each(|cache, _| {
        let down = |_: &[&&str]| Err::<Vec<String>, _>(LoadError::new(Down));
        let error = cache.try_get_or_create_many(&["a"], down).unwrap_err();
        assert!(error.loader().is_some() && error.to_string() == "the source is down");
        let error: Box<dyn std::error::Error> = error.into();
        assert!(error.source().is_none());
        let error = cache.try_get_or_create("a", || Err::<String, _>(LoadError::new(Down)));
        match error.unwrap_err() {
            LoadError::Cache(error) => assert_eq!(error.kind(), ErrorKind::Creation),
            LoadError::Loader(_) => panic!("its own was not called"),
        }
        let error = LoadError::<Down>::from(Error::new(ErrorKind::Storage, "full"));
        assert_eq!(error.to_string(), "full");
    });
}
