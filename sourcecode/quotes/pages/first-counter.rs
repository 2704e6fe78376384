fn read(session: Session) -> i64 {
    «session.get("visits").and_then(Value::as_int).unwrap_or(0)»
}
