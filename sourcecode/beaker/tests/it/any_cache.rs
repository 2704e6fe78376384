//! A cache of either kind of program, with the operations of `Cache`: so one test is run over both.
//!
//! What a task's loader is to give is made on the thread of the test that asked, as with a cache for threads:
//! it may borrow, block and panic. Meanwhile the loader waits as a task.

use std::fmt::{Debug, Display};
use std::sync::Arc;
use std::time::Duration;

use beaker::cache::{
    Cache, CacheEntry, Executor, KeyPart, LoadError, OnTimeout, Op, Region, Stats,
};
use beaker::{Backend, Clock, Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
#[cfg(feature = "tokio")]
use {
    beaker::cache::{AsyncCache, AsyncRegion},
    std::future::poll_fn,
    std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    std::pin::pin,
    std::task::Poll,
    std::thread,
    tokio::runtime::Runtime,
    tokio::sync::{mpsc, oneshot},
};

#[derive(Debug, Clone, Copy)]
pub enum World {
    Threads,
    #[cfg(feature = "tokio")]
    Tasks,
}

pub const WORLDS: &[World] = &[
    World::Threads,
    #[cfg(feature = "tokio")]
    World::Tasks,
];

/// As [`Cache`].
#[derive(Clone)]
pub enum AnyCache<V> {
    Threads(Cache<V>),
    #[cfg(feature = "tokio")]
    Tasks(AsyncCache<V>, Arc<Runtime>),
}

/// A runtime of two threads.
#[cfg(feature = "tokio")]
pub fn runtime() -> Arc<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Arc::new(builder.worker_threads(2).enable_all().build().unwrap())
}

/// Asks the thread of the test, from a loader.
#[cfg(feature = "tokio")]
struct Asks<Q, A>(mpsc::UnboundedSender<(Q, oneshot::Sender<A>)>);

#[cfg(feature = "tokio")]
impl<Q, A> Asks<Q, A> {
    async fn ask(self, question: Q) -> A {
        let (sender, answer) = oneshot::channel();
        assert!(self.0.send((question, sender)).is_ok(), "the test waits");
        answer.await.expect("the test answers")
    }
}

/// What the thread of the test gives a loader, or its panic.
#[cfg(feature = "tokio")]
type Made<M, E> = thread::Result<Result<M, E>>;

#[cfg(feature = "tokio")]
type ManyOrNone<V> = Vec<Option<CacheEntry<V>>>;

/// Awaits an operation, whose loader may ask this thread once.
#[cfg(feature = "tokio")]
fn drive<Q, A, F: Future>(
    runtime: &Runtime,
    operation: impl FnOnce(Asks<Q, thread::Result<A>>) -> F,
    create: impl FnOnce(Q) -> A,
) -> F::Output {
    let (sender, mut asked) = mpsc::unbounded_channel();
    let mut operation = pin!(operation(Asks(sender)));
    let mut create = Some(create);
    loop {
        let step = poll_fn(|context| {
            if let Poll::Ready(output) = operation.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            match asked.poll_recv(context) {
                Poll::Ready(Some(question)) => Poll::Ready(Err(question)),
                Poll::Ready(None) | Poll::Pending => Poll::Pending,
            }
        });
        let (question, answer) = match runtime.block_on(step) {
            Ok(output) => return output,
            Err(question) => question,
        };
        let create = create.take().expect("a loader runs once");
        // If the operation was cancelled, nobody wants it.
        drop(answer.send(catch_unwind(AssertUnwindSafe(|| create(question)))));
    }
}

/// Does the same with a cache of either kind.
macro_rules! either {
    ($any:expr, $cache:ident => $operation:expr) => {
        match $any {
            AnyCache::Threads($cache) => $operation,
            #[cfg(feature = "tokio")]
            AnyCache::Tasks($cache, runtime) => runtime.block_on($operation),
        }
    };
}

macro_rules! options {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(pub fn $name(self, $($argument: $type),*) -> AnyCache<V> {
            match self {
                AnyCache::Threads(cache) => AnyCache::Threads(cache.$name($($argument),*)),
                #[cfg(feature = "tokio")]
                AnyCache::Tasks(cache, runtime) => {
                    AnyCache::Tasks(cache.$name($($argument),*), runtime)
                }
            }
        })*
    };
}

impl<V: Clone + Send + Sync + 'static> AnyCache<V> {
    pub fn of(world: World, cache: Cache<V>) -> AnyCache<V> {
        match world {
            World::Threads => AnyCache::Threads(cache),
            #[cfg(feature = "tokio")]
            World::Tasks => AnyCache::Tasks(AsyncCache::new(cache), runtime()),
        }
    }

    pub fn new(world: World, backend: Backend, name: &str) -> AnyCache<V>
    where
        V: Serialize + DeserializeOwned,
    {
        match world {
            World::Threads => AnyCache::Threads(Cache::new(backend, name)),
            #[cfg(feature = "tokio")]
            World::Tasks => AnyCache::Tasks(AsyncCache::open(backend, name), runtime()),
        }
    }

    options! {
        ttl(time: Duration);
        stale_for(time: Duration);
        error_ttl(time: Duration);
        stale_on_failure(stale: bool);
        wait_timeout(time: Duration, then: OnTimeout);
        clock(clock: Arc<dyn Clock>);
        local_tier(capacity: usize, time: Duration);
        on_store_failure(then: beaker::cache::OnStoreFailure);
    }

    /// The work that is given to it has ended when it returns.
    pub fn executor(self, executor: Executor) -> AnyCache<V> {
        match self {
            AnyCache::Threads(cache) => AnyCache::Threads(cache.executor(executor)),
            #[cfg(feature = "tokio")]
            AnyCache::Tasks(cache, runtime) => {
                let metrics = runtime.metrics();
                let to_its_end: Executor = Arc::new(move |work| {
                    let metrics = metrics.clone();
                    executor(Box::new(move || {
                        work();
                        while metrics.num_alive_tasks() > 0 {
                            thread::yield_now();
                        }
                    }));
                });
                AnyCache::Tasks(cache.executor(to_its_end), runtime)
            }
        }
    }

    pub fn get(&self, key: impl KeyPart) -> Result<Option<V>> {
        either!(self, cache => cache.get(key))
    }

    pub fn get_many<K: KeyPart + Sync>(&self, keys: &[K]) -> Result<Vec<Option<V>>> {
        either!(self, cache => cache.get_many(keys))
    }

    pub fn peek(&self, key: impl KeyPart) -> Result<Option<(V, Duration)>> {
        either!(self, cache => cache.peek(key))
    }

    pub fn contains(&self, key: impl KeyPart) -> Result<bool> {
        either!(self, cache => cache.contains(key))
    }

    pub fn put(&self, key: impl KeyPart, value: impl Into<CacheEntry<V>>) -> Result<()> {
        either!(self, cache => cache.put(key, value))
    }

    pub fn remove(&self, key: impl KeyPart) -> Result<bool> {
        either!(self, cache => cache.remove(key))
    }

    pub fn clear(&self) -> Result<()> {
        either!(self, cache => cache.clear())
    }

    pub fn invalidate(&self) -> Result<()> {
        either!(self, cache => cache.invalidate())
    }

    pub fn invalidate_softly(&self) -> Result<()> {
        either!(self, cache => cache.invalidate_softly())
    }

    pub fn invalidate_tag(&self, tag: &str) -> Result<()> {
        either!(self, cache => cache.invalidate_tag(tag))
    }

    pub fn stats(&self) -> Stats {
        match self {
            AnyCache::Threads(cache) => cache.stats(),
            #[cfg(feature = "tokio")]
            AnyCache::Tasks(cache, _) => cache.stats(),
        }
    }

    pub fn get_or_create<M: Into<CacheEntry<V>>>(
        &self,
        key: impl KeyPart,
        create: impl FnOnce() -> M,
    ) -> Result<V> {
        self.try_get_or_create(key, || Ok::<M, Error>(create()))
    }

    pub fn try_get_or_create<M, E>(
        &self,
        key: impl KeyPart,
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display + Send + 'static,
    {
        match self {
            AnyCache::Threads(cache) => cache.try_get_or_create(key, create),
            #[cfg(feature = "tokio")]
            AnyCache::Tasks(cache, runtime) => {
                let operation = |asks: Asks<(), Made<CacheEntry<V>, E>>| {
                    let loader =
                        || async { asks.ask(()).await.unwrap_or_else(|it| resume_unwind(it)) };
                    cache.try_get_or_create::<CacheEntry<V>, E, _>(key, loader)
                };
                drive(runtime, operation, |()| create().map(Into::into))
            }
        }
    }

    pub fn try_get_or_create_many<K, M, E>(
        &self,
        keys: &[K],
        create: impl FnOnce(&[&K]) -> Result<Vec<M>, E>,
    ) -> Result<Vec<V>, E>
    where
        K: KeyPart + Clone + Send + Sync + 'static,
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display + Send + 'static,
    {
        match self {
            AnyCache::Threads(cache) => cache.try_get_or_create_many(keys, create),
            #[cfg(feature = "tokio")]
            AnyCache::Tasks(cache, runtime) => {
                let operation = |asks: Asks<Vec<K>, Made<Vec<CacheEntry<V>>, E>>| {
                    let loader = |missing| async {
                        asks.ask(missing).await.unwrap_or_else(|it| resume_unwind(it))
                    };
                    cache.try_get_or_create_many::<K, CacheEntry<V>, E, _>(keys, loader)
                };
                drive(runtime, operation, |missing: Vec<K>| {
                    let missing: Vec<&K> = missing.iter().collect();
                    create(&missing).map(|made| made.into_iter().map(Into::into).collect())
                })
            }
        }
    }

    pub fn try_get_or_create_some<K, M, E>(
        &self,
        keys: &[K],
        create: impl FnOnce(&[&K]) -> Result<Vec<Option<M>>, E>,
    ) -> Result<Vec<Option<V>>, E>
    where
        K: KeyPart + Clone + Send + Sync + 'static,
        M: Into<CacheEntry<V>>,
        E: From<Error> + Display + Send + 'static,
    {
        match self {
            AnyCache::Threads(cache) => cache.try_get_or_create_some(keys, create),
            #[cfg(feature = "tokio")]
            AnyCache::Tasks(cache, runtime) => {
                let operation = |asks: Asks<Vec<K>, Made<ManyOrNone<V>, E>>| {
                    let loader = |missing| async {
                        asks.ask(missing).await.unwrap_or_else(|it| resume_unwind(it))
                    };
                    cache.try_get_or_create_some::<K, CacheEntry<V>, E, _>(keys, loader)
                };
                drive(runtime, operation, |missing: Vec<K>| {
                    let missing: Vec<&K> = missing.iter().collect();
                    let entry = |made: Option<M>| made.map(Into::into);
                    create(&missing).map(|made| made.into_iter().map(entry).collect())
                })
            }
        }
    }

    pub fn put_many<K: KeyPart, M: Into<CacheEntry<V>>>(
        &self,
        entries: impl IntoIterator<Item = (K, M)>,
    ) -> Result<()> {
        either!(self, cache => cache.put_many(entries))
    }

    pub fn remove_many<K: KeyPart + Sync>(&self, keys: &[K]) -> Result<usize> {
        either!(self, cache => cache.remove_many(keys))
    }

    pub fn compute(
        &self,
        key: impl KeyPart,
        decide: impl FnMut(Option<&V>) -> Op<V>,
    ) -> Result<Option<V>> {
        either!(self, cache => cache.compute(key, decide))
    }

    pub fn upsert<M: Into<CacheEntry<V>>>(
        &self,
        key: impl KeyPart,
        make: impl FnMut(Option<&V>) -> M,
    ) -> Result<V> {
        either!(self, cache => cache.upsert(key, make))
    }

    pub fn take(&self, key: impl KeyPart) -> Result<Option<V>> {
        either!(self, cache => cache.take(key))
    }

    pub fn get_or_create_if<M: Into<CacheEntry<V>>>(
        &self,
        key: impl KeyPart,
        is_replaced: impl FnMut(&V) -> bool,
        create: impl FnOnce() -> M,
    ) -> Result<V> {
        match self {
            AnyCache::Threads(cache) => cache.get_or_create_if(key, is_replaced, create),
            #[cfg(feature = "tokio")]
            AnyCache::Tasks(cache, runtime) => {
                let operation = |asks: Asks<(), thread::Result<CacheEntry<V>>>| {
                    let loader =
                        || async { asks.ask(()).await.unwrap_or_else(|it| resume_unwind(it)) };
                    cache.get_or_create_if::<CacheEntry<V>, _>(key, is_replaced, loader)
                };
                drive(runtime, operation, |()| create().into())
            }
        }
    }

    pub fn get_or_load<M, E>(
        &self,
        key: impl KeyPart,
        load: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, LoadError<E>>
    where
        M: Into<CacheEntry<V>>,
        E: Debug + Send + Sync + 'static,
    {
        match self {
            AnyCache::Threads(cache) => cache.get_or_load(key, load),
            #[cfg(feature = "tokio")]
            AnyCache::Tasks(cache, runtime) => {
                let operation = |asks: Asks<(), Made<CacheEntry<V>, E>>| {
                    let loader =
                        || async { asks.ask(()).await.unwrap_or_else(|it| resume_unwind(it)) };
                    cache.get_or_load::<CacheEntry<V>, E, _>(key, loader)
                };
                drive(runtime, operation, |()| load().map(Into::into))
            }
        }
    }

    pub fn get_or_refresh<M, E>(
        &self,
        key: impl KeyPart,
        create: impl FnOnce() -> Result<M, E> + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<CacheEntry<V>> + Send + 'static,
        E: From<Error> + Display + Send + 'static,
    {
        match self {
            AnyCache::Threads(cache) => cache.get_or_refresh(key, create),
            #[cfg(feature = "tokio")]
            AnyCache::Tasks(cache, runtime) => {
                runtime.block_on(cache.get_or_refresh(key, || async { create() }))
            }
        }
    }
}

/// As [`Region`].
pub enum AnyRegion {
    Threads(Region),
    #[cfg(feature = "tokio")]
    Tasks(AsyncRegion, Arc<Runtime>),
}

impl AnyRegion {
    pub fn new(world: World, region: Region) -> AnyRegion {
        match world {
            World::Threads => AnyRegion::Threads(region),
            #[cfg(feature = "tokio")]
            World::Tasks => AnyRegion::Tasks(AsyncRegion::new(region), runtime()),
        }
    }

    pub fn cache<V>(&self, name: &str) -> Result<AnyCache<V>>
    where
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    {
        Ok(match self {
            AnyRegion::Threads(region) => AnyCache::Threads(region.cache(name)?),
            #[cfg(feature = "tokio")]
            AnyRegion::Tasks(region, runtime) => {
                AnyCache::Tasks(region.cache(name)?, Arc::clone(runtime))
            }
        })
    }

    pub fn invalidate(&self) -> Result<()> {
        match self {
            AnyRegion::Threads(region) => region.invalidate(),
            #[cfg(feature = "tokio")]
            AnyRegion::Tasks(region, runtime) => runtime.block_on(region.invalidate()),
        }
    }

    pub fn invalidate_softly(&self) -> Result<()> {
        match self {
            AnyRegion::Threads(region) => region.invalidate_softly(),
            #[cfg(feature = "tokio")]
            AnyRegion::Tasks(region, runtime) => runtime.block_on(region.invalidate_softly()),
        }
    }
}
