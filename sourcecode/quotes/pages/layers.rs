fn wrapped(backend: AsyncBackend, encrypt: Encrypt) {
    let _ = backend.«wrap_store(|store| Layered::new(store, encrypt))»;
}

fn layers(keys: [&str; 1], new: &str, old: &str) -> Result<()> {
    let _ = MemoryStore::new().«counted()»;
    let _ = MemoryStore::new().«layer(Compress::default())»;
    let _ = MemoryStore::new().«layer(Encrypt::new(keys)?)».«damaged()»;
    let _ = «Compress::default().level(1)»;
    let _ = «Encrypt::new([new, old])»?;
    Ok(())
}
