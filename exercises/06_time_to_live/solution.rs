//! Asks redis how long it will keep a session.

use std::io::{BufRead, BufReader, Write};
use std::{env, error::Error, net::TcpStream, time::Duration};

use beaker::{Backend, Session, Sessions};

/// A command for redis: how many milliseconds will this session be kept?
fn command(session: &Session) -> String {
    format!("PTTL beaker::{}", session.id())
}

fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("REDIS_URL")?;
    let backend = Backend::open("ext:redis", &[("url", &url)])?;
    let sessions = Sessions::new(backend).timeout(Duration::from_secs(3600));
    let mut session = sessions.create();
    session.save()?;

    let host = url.trim_start_matches("redis://").trim_end_matches('/');
    let mut redis = TcpStream::connect(host)?;
    write!(redis, "{}\r\n", command(&session))?;
    let answer = BufReader::new(redis).lines().next().ok_or("no answer")??;
    match answer.trim_start_matches(':').parse::<u64>() {
        Ok(left) => println!("About {} minutes", (left + 30_000) / 60_000),
        Err(_) => println!("redis says {answer}"),
    }
    Ok(())
}
