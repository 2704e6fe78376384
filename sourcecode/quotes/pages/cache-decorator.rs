fn f<T>(_: T) {}

mod two {
    fn f(_: &str, _: &str) {}
    fn keys() {
        «f("a b", "c")»;
        «f("a", "b c")»;
    }
}

fn keys() {
    «f(1)»;
    «f("1")»;
}

«#[derive(beaker::cache::KeyPart)]»

struct Db;
impl Db {
    fn names_of(&self, numbers: &[u32]) -> Result<Vec<String>> {
        todo!()
    }
}

«#[cached(many = numbers, skip(db))]»

fn names_of_many(db: Db) -> Result<()> {
    let _: Vec<String> = «names(&db, &[5, 6, 7])»?;
    let _ = «names::get(&6)»;
    let _ = «names::invalidate(&6)»;
    Ok(())
}

«#[cached(key = (driver.to_lowercase(), season))]»
fn points(driver: &str, season: u16) -> Result<u32> {
    todo!()
}
