«exercises/14_report»

fn tagged(sum: u32, city: &'static str) {
    let entry = «CacheEntry::new(sum).tag(city)»;
    let cache: Cache<u32> = «Cache::in_memory(100)».«ttl(10 * MINUTE)».«stale_for(60 * MINUTE)»;
}
