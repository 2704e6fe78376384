«exercises/24_log_in_test»

fn quoted(site: &Site, mut session: Session) -> Result<()> {
    let cookie = site.«visit()»?;
    site.«page(&cookie)»?;
    let anna = site.«log_in(&cookie, "anna")»?;
    «ensure(site.page(&anna)? == "anna", "remembered")?»;
    site.«log_out(&cookie)»?;
    «site.clock.advance(20 * MINUTE)»;
    site.sessions.clone()«.timeout(30 * MINUTE)»«.lifetime(30 * MINUTE)»;
    Ok(())
}
