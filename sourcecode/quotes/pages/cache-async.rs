async fn patient(cache: AsyncCache<u32>, patience: Duration) {
    let _ = «cache.wait_timeout(patience, OnTimeout::Fail)»;
}
