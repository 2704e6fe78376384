fn cookies(time: Duration) {
    let _ = CookieLifetime::«For(time)»;
}

fn devices(sessions: Sessions, sent: &str) -> Result<()> {
    «for device in sessions.devices_of("kimi")? {»
    Ok(())
}
