//! Brings a program what it needs, and records what it prints.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use servers::memcached::MEMCACHED_URL;
use servers::redis::REDIS_URL;
use servers::{Memcached, Redis};

use crate::process::{Limits, Process};
use crate::{Built, Error, ErrorKind, Program, Recording, Result, visits};

/// How long a program may take unless somebody says otherwise.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A program with everything it needs, ready to run.
#[derive(Debug)]
pub struct Performance<'a> {
    program: &'a Program,
    executable: PathBuf,
    memcached: Option<Memcached>,
    redis: Option<Redis>,
    limit: Duration,
    walk: Option<String>,
}

impl<'a> Performance<'a> {
    /// Prepares a program that was built; starts the server that it needs.
    pub fn new(program: &'a Program, built: &Built) -> Result<Performance<'a>> {
        let executable = built.executable(program)?.to_owned();
        let without = |server: &str| {
            let message = format!("the program `{}` needs a {server}", program.name());
            Error::because(ErrorKind::Server, message)
        };
        let memcached = program.needs_memcached().then(Memcached::for_programs).transpose();
        let memcached = memcached.map_err(without("memcached"))?;
        let redis = program.needs_redis().then(Redis::for_programs).transpose();
        let redis = redis.map_err(without("redis"))?;
        Ok(Performance { program, executable, memcached, redis, limit: TIME_LIMIT, walk: None })
    }

    /// Changes how long it may take; 10 seconds by default.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Changes what its visitors do, if it serves web pages; without it, what the program says itself.
    #[must_use]
    pub fn walk(mut self, walk: Option<String>) -> Self {
        self.walk = walk;
        self
    }

    /// The memcached that it will talk to, if it needs one.
    #[must_use]
    pub fn memcached(&self) -> Option<&Memcached> {
        self.memcached.as_ref()
    }

    /// The redis that it will talk to, if it needs one.
    #[must_use]
    pub fn redis(&self) -> Option<&Redis> {
        self.redis.as_ref()
    }

    /// Starts the program, with these variables on top of those that it needs.
    pub fn start(&self, more: &[(&str, String)]) -> Result<Process> {
        let memcached = self.memcached.as_ref().map(|server| (MEMCACHED_URL, server.url()));
        let redis = self.redis.as_ref().map(|server| (REDIS_URL, server.url()));
        let urls = memcached.into_iter().chain(redis);
        let environment: Vec<_> = urls.chain(more.iter().cloned()).collect();
        // Who gives a program an hour wants to see it compute for an hour.
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        let computing = self.limit.saturating_mul(u32::try_from(processors).unwrap_or(1));
        let most = Limits::PROGRAM.computing.max(computing);
        let limits = Limits { computing: most, ..Limits::PROGRAM };
        Process::start_within(&self.executable, &environment, limits)
    }

    /// Runs the program to its end; one that serves web pages is visited and then stopped. The
    /// outcome is what belongs into `expected-output/`.
    pub fn perform(&self) -> Result<Recording> {
        let (output, status) = if self.program.is_served() {
            (self.visit()?, 0)
        } else {
            let finished = self.start(&[])?.finish(self.limit, &mut |_| {})?;
            let status = finished.status(self.program.name())?;
            (finished.output, status)
        };
        Ok(Recording { command: self.program.command(), output, status })
    }

    /// The file that is run.
    #[must_use]
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    fn visit(&self) -> Result<String> {
        let port = visits::free_port()?;
        let process = self.start(&[("PORT", port.to_string())])?;
        let walk = self.walk.clone().map_or_else(|| self.program.walk(), |walk| Ok(Some(walk)))?;
        match walk {
            None => visits::visit(self.program.name(), process, port, self.limit),
            Some(walk) => visits::walk(self.program.name(), process, port, self.limit, &walk),
        }
    }
}
