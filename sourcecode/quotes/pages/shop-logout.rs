struct Shop {
    sessions: AsyncSessions,
}

async fn everywhere(shop: Shop, session: beaker::middleware::RequestSession, name: String) -> Result<usize> {
    Ok(«shop.sessions.revoke_all(&name, Some(session.id())).await?»)
}
