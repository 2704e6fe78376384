use beaker::cached;

#[derive(Clone)]
struct Table;

impl Table {
    #[cached(skip(self))]
    fn by_value(self) -> u32 {
        1
    }

    #[cached(skip(self))]
    fn changes(&mut self) -> u32 {
        1
    }

    #[cached(skip(self))]
    fn typed(self: std::sync::Arc<Self>) -> u32 {
        1
    }
}

fn main() {}
