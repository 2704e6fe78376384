fn too_many_requests(_: Option<Duration>) -> Result<()> {
    todo!()
}

fn log_in(backend: Backend, name: String) -> Result<()> {
    «let rule = RateLimit::fixed_window(5, Duration::from_secs(60));»
    Ok(())
}

fn rules(minute: Duration) {
    let _ = RateLimit::«fixed_window(5, minute)»;
    let _ = RateLimit::«token_bucket(5, minute)»;
}

fn kind(error: Error) -> ErrorKind {
    error.«kind()»
}
