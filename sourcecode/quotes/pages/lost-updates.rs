fn with_one_more(things: &[Value], thing: Value) -> Vec<Value> {
    «[things, &[thing.clone()]].concat()»
}
