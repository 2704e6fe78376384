fn values(session: &mut Session, list: &[u32], value: &Value) -> Anything<()> {
    session.«set("visits", list.len())»;
    session.«set("sizes", vec![38, 39])»;
    let _ = «u32::try_from(value)»?;
    Ok(())
}
