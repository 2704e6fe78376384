use beaker::middleware::{Request, SessionExt};

fn leave(request: &mut Request, article: &str) -> Result<()> {
    let name = «article.to_owned()»;
    «request.session()?.delete()?»;
    Ok(())
}
