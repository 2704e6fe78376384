fn end() -> Result<()> {
    «Ok(())»
}
