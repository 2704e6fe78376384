struct Drivers {
    cache: Cache<u32>,
}

fn invalidate(drivers: Drivers) -> Result<()> {
    let _ = drivers.cache.clone().«ttl(Duration::from_secs(3600))»;
    «drivers.cache.invalidate()»
}
