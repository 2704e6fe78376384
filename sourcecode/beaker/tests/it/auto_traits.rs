//! What is given from thread to thread, or kept where all threads see it, may be.

fn shared<T: Send + Sync + std::fmt::Debug>() {}
fn given_away<T: Send + std::fmt::Debug>() {}

#[test]
fn what_threads_share() {
    shared::<beaker::Backend>();
    shared::<beaker::Sessions>();
    shared::<beaker::Cache<String>>();
    shared::<beaker::Signer>();
    shared::<beaker::CookieOptions>();
    shared::<beaker::TrustedProxies>();
    shared::<beaker::Sweeper>();
    shared::<beaker::ManualClock>();
    shared::<beaker::Value>();
    shared::<beaker::Error>();
    shared::<beaker::cache::Region>();
    shared::<beaker::cache::Regions>();
    shared::<beaker::cache::LoadError<beaker::Error>>();
    shared::<beaker::config::Config>();
    shared::<beaker::limit::RateLimiter>();
    given_away::<beaker::Session>();
}

#[cfg(feature = "tokio")]
#[test]
fn what_tasks_share() {
    shared::<beaker::AsyncBackend>();
    shared::<beaker::AsyncSessions>();
    shared::<beaker::AsyncCache<String>>();
    shared::<beaker::cache::AsyncRegion>();
    given_away::<beaker::AsyncSession>();
}

#[cfg(feature = "tower")]
#[test]
fn what_requests_share() {
    shared::<beaker::middleware::SessionLayer>();
    given_away::<beaker::middleware::RequestSession>();
}

#[cfg(feature = "server")]
#[test]
fn a_server_goes_to_another_thread() {
    given_away::<beaker::middleware::Server>();
    shared::<beaker::middleware::ShutdownHandle>();
}
