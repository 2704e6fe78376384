use std::sync::LazyLock;

struct Standings;
static SHORT_TERM: LazyLock<Region> = LazyLock::new(|| Region::named("short_term"));
static TASKS: LazyLock<AsyncRegion> = LazyLock::new(|| «AsyncRegion::named("short_term")»);

async fn add_up(_: &str) -> u32 {
    todo!()
}

async fn asynchronous(config: config::Config) -> Result<()> {
    «let regions = config.cache.open_async()?;»
    Ok(())
}

fn objects() -> Result<()> {
    «let standings = SHORT_TERM.objects::<Arc<Standings>>("standings")?;»
    Ok(())
}

«#[cached(region = SHORT_TERM, objects)]»
fn leader(season: u16) -> Result<Arc<Standings>> {
    todo!()
}
