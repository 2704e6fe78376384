fn limits(config: beaker::config::Config) -> Result<()> {
    let limits = «config.limit.open()?»;
    Ok(())
}
