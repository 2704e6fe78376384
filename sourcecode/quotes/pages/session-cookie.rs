fn rotated(new: &str, old: &str) -> Result<()> {
    «let sealer = Sealer::new([new, old])?;»
    Ok(())
}
