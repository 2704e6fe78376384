«exercises/27_deployed_counter»

fn layered(environment: Settings) -> Result<()> {
    let file = «FILE.parse::<Settings>()?»;
    let merged = «file.merged_with(environment)»;
    let sessions = merged.«read()?»«.session.sessions()»;
    Ok(())
}

fn name(session: Session) {
    let name = session.«get("name")»;
}
