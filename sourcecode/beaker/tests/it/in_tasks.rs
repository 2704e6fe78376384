//! The tests of sessions once more, for those of asynchronous programs: each call is awaited, on a runtime
//! that all share.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use beaker::codec::Codec;
use beaker::session::{Device, DeviceHandle, SessionData};
use beaker::{
    AsyncSession, AsyncSessions, Backend, Clock, CookieOptions, Result, SessionId, Signer,
};
use tokio::runtime::{Builder, Runtime};

#[path = "peers/django.rs"]
mod django;
#[path = "peers/laravel.rs"]
mod laravel;
#[path = "session_announcements.rs"]
mod session_announcements;
#[path = "session_csrf.rs"]
mod session_csrf;
#[path = "session_devices.rs"]
mod session_devices;
#[path = "session_ends.rs"]
mod session_ends;
#[path = "session_flashes.rs"]
mod session_flashes;
#[path = "session_interleavings.rs"]
mod session_interleavings;
#[path = "session_life.rs"]
mod session_life;
#[path = "session_local_tier.rs"]
mod session_local_tier;
#[path = "session_races.rs"]
mod session_races;
#[path = "session_reload.rs"]
mod session_reload;
#[path = "session_values.rs"]
mod session_values;
#[path = "sessions.rs"]
mod sessions;

fn wait<T>(flow: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    });
    RUNTIME.block_on(flow)
}

#[derive(Debug, Clone)]
struct Sessions(AsyncSessions);

impl Sessions {
    fn new(backend: Backend) -> Sessions {
        Sessions(AsyncSessions::new(backend))
    }

    fn create(&self) -> Session {
        Session(self.0.create())
    }

    fn open(&self, id: &SessionId) -> Result<Session> {
        wait(self.0.open(id)).map(Session)
    }

    fn load(&self, cookie: Option<&str>) -> Result<Session> {
        wait(self.0.load(cookie)).map(Session)
    }

    fn sessions_of(&self, user: &str) -> Result<Vec<SessionId>> {
        wait(self.0.sessions_of(user))
    }

    fn devices_of(&self, user: &str) -> Result<Vec<Device>> {
        wait(self.0.devices_of(user))
    }

    fn end_device(&self, user: &str, device: &DeviceHandle) -> Result<bool> {
        wait(self.0.end_device(user, device))
    }

    fn revoke_all(&self, user: &str, except: Option<&SessionId>) -> Result<usize> {
        wait(self.0.revoke_all(user, except))
    }

    fn check(&self) -> Result<()> {
        self.0.check()
    }

    fn damaged(&self) -> u64 {
        self.0.damaged()
    }

    fn timeout(self, timeout: Duration) -> Sessions {
        Sessions(self.0.timeout(timeout))
    }

    fn lifetime(self, lifetime: Duration) -> Sessions {
        Sessions(self.0.lifetime(lifetime))
    }

    fn grace(self, grace: Duration) -> Sessions {
        Sessions(self.0.grace(grace))
    }

    fn touch_every(self, interval: Duration) -> Sessions {
        Sessions(self.0.touch_every(interval))
    }

    fn save_accessed_time(self, save: bool) -> Sessions {
        Sessions(self.0.save_accessed_time(save))
    }

    fn signed_by(self, signer: Signer) -> Sessions {
        Sessions(self.0.signed_by(signer))
    }

    fn cookie(self, options: CookieOptions) -> Sessions {
        Sessions(self.0.cookie(options))
    }

    fn codec(self, codec: impl Codec<SessionData>) -> Sessions {
        Sessions(self.0.codec(codec))
    }

    fn namespace(self, name: &str) -> Sessions {
        Sessions(self.0.namespace(name))
    }

    fn max_per_user(self, most: usize) -> Sessions {
        Sessions(self.0.max_per_user(most))
    }

    fn local_tier(self, capacity: usize, time: Duration) -> Sessions {
        Sessions(self.0.local_tier(capacity, time))
    }

    fn check_tier_every(self, interval: Duration) -> Sessions {
        Sessions(self.0.check_tier_every(interval))
    }

    fn id_generator(self, make: impl Fn() -> SessionId + Send + Sync + 'static) -> Sessions {
        Sessions(self.0.id_generator(make))
    }

    fn clock(self, clock: Arc<dyn Clock>) -> Sessions {
        Sessions(self.0.clock(clock))
    }
}

#[derive(Debug)]
struct Session(AsyncSession);

impl Session {
    fn save(&mut self) -> Result<()> {
        wait(self.0.save())
    }

    fn delete(&mut self) -> Result<()> {
        wait(self.0.delete())
    }

    fn reload(&mut self) -> Result<()> {
        wait(self.0.reload())
    }

    fn touch(&mut self) -> Result<()> {
        wait(self.0.touch())
    }

    fn invalidate(&mut self) -> Result<()> {
        wait(self.0.invalidate())
    }

    fn regenerate_id(&mut self) -> Result<()> {
        wait(self.0.regenerate_id())
    }
}

impl Deref for Session {
    type Target = AsyncSession;

    fn deref(&self) -> &AsyncSession {
        &self.0
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut AsyncSession {
        &mut self.0
    }
}
