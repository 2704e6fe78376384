use beaker::cache::OnStoreFailure;

struct Db;
impl Db {
    fn standings(&self) -> Result<u32> {
        todo!()
    }
}

fn background(db: Arc<Db>, cache: Cache<u32>) -> Result<()> {
    «let db = Arc::clone(&db);»
    Ok(())
}

#[derive(Debug)]
struct NotFound;
fn find_points(driver: &str) -> std::result::Result<u32, NotFound> {
    todo!()
}
fn show(_: u32) {}
fn not_found(_: &NotFound) {}
fn try_later(_: &Error) {}

fn errors(cache: Cache<u32>) {
    «match cache.get_or_load("Ayrton", || find_points("Ayrton")) {»
}

fn options(cache: Cache<u32>) {
    let _ = cache.clone().«stale_on_failure(false)»;
    let _ = cache.clone().«jitter(0.1)»;
    let _ = cache.clone().«refresh_early(1.0)»;
    let _ = cache.clone().«on_store_failure(OnStoreFailure::Bypass)»;
}
