«exercises/19_moving»

impl Moving {
    fn quoted(&self, key: &Key) -> Result<()> {
        «self.fetch(key)?»;
        let turn = «self.turn.lock()»;
        Ok(())
    }
}
