use beaker::middleware::{App, CsrfMiddleware, HttpCacheMiddleware, RateLimitMiddleware, Response, SessionLayer, SessionMiddleware};

fn proxies() -> Result<()> {
    «let proxies: TrustedProxies = "127.0.0.1, 10.0.0.0/8".parse()?;»
    Ok(())
}

fn forged(app: impl App, sessions: Sessions) -> Result<()> {
    «let app = SessionMiddleware::new(CsrfMiddleware::new(app), sessions)?;»
    Ok(())
}

fn pages(app: impl App, sessions: Sessions) -> Result<()> {
    «let app = SessionMiddleware::new(app, sessions)?;»
    Ok(())
}

fn limited(app: impl App, backend: Backend, proxies: TrustedProxies) -> Result<()> {
    «let rule = RateLimit::token_bucket(20, Duration::from_secs(10));»
    Ok(())
}

fn settings(app: impl App) -> Result<()> {
    «let settings = Settings::from_toml_file("shop.toml")?;»
    Ok(())
}

fn visitor(mut jar: CookieJar, response: Response) {
    «jar.take("https://shop.example/", response.headers());»
}
