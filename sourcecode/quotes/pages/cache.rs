fn tier(backend: Backend, time: Duration) {
    «let cache = Cache::<u32>::new(backend, "points");»
    cache«.local_tier(1000, time)»;
}

mod derived {
    use crate::usual::*;
    «#[derive(KeyPart)]»
    struct Lap(u16);
}

fn many(cache: Cache<u32>) -> Result<()> {
    «cache.put(("points", 2007_u16), 110)?;»
    Ok(())
}

struct Db;
impl Db {
    fn names_of(&self, numbers: &[&u32]) -> Result<Vec<Option<String>>> {
        todo!()
    }
}

fn some(cache: Cache<String>, db: Db) -> Result<()> {
    «let names = cache.try_get_or_create_some(&[5, 6, 7], |numbers: &[&u32]| {»
    Ok(())
}

fn log(_: &[u8], _: EvictionCause) {}

fn memory() {
    «let pages = Cache::in_memory_with(»
}
