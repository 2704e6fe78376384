//! Load from `wrk` (Debian's package of that name).

use std::io::{self, Write};
use std::process::Command;
use std::time::Duration;

/// What one round of load gave.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// All requests that were answered.
    pub requests: f64,
    /// Requests a second.
    pub per_second: f64,
    /// The time in which 99 of 100 were answered.
    pub p99: Duration,
    /// The requests that were not answered with a status of 200 to 399.
    pub failed: u64,
}

/// Two threads, each of which sends the requests of its own part of the cookies in turn. They were put
/// together before.
const IN_TURN: &str = r#"
local number = 0
function setup(thread)
    thread:set("number", number)
    number = number + 1
end
local requests, at = {}, 0
function init(_)
    for place, cookie in ipairs(COOKIES) do
        if #COOKIES == 1 or place % 2 == number then
            requests[#requests + 1] = wrk.format("GET", wrk.path, { Cookie = cookie })
        end
    end
end
function request()
    at = at % #requests + 1
    return requests[at]
end
"#;

/// Sends requests on so many connections, each with the next of the cookies.
///
/// # Errors
///
/// `wrk` is not installed, or could not do it.
pub fn load(url: &str, cookies: &[String], connections: usize, time: Duration) -> io::Result<Load> {
    let mut script = tempfile::NamedTempFile::with_suffix(".lua")?;
    writeln!(script, "COOKIES = {{ '{}' }}{IN_TURN}", cookies.join("', '"))?;
    let mut wrk = Command::new("wrk");
    wrk.arg("-s").arg(script.path());
    run(wrk, url, connections, time)
}

/// Sends requests on so many connections, all with these headers: `Name: value`.
///
/// # Errors
///
/// `wrk` is not installed, or could not do it.
pub fn load_with_headers(
    url: &str,
    headers: &[String],
    connections: usize,
    time: Duration,
) -> io::Result<Load> {
    let mut wrk = Command::new("wrk");
    for header in headers {
        wrk.arg("-H").arg(header);
    }
    run(wrk, url, connections, time)
}

fn run(mut wrk: Command, url: &str, connections: usize, time: Duration) -> io::Result<Load> {
    wrk.args(["-t2", "--latency"]);
    wrk.arg(format!("-c{connections}")).arg(format!("-d{}s", time.as_secs())).arg(url);
    let output = wrk.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    read(&text).ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        io::Error::other(format!("wrk printed something else:\n{text}{errors}"))
    })
}

/// Reads what wrk printed.
fn read(text: &str) -> Option<Load> {
    let before = |words: &str| text.split(words).next()?.split_whitespace().last()?.parse().ok();
    let after = |words: &str| text.split_once(words)?.1.split_whitespace().next();
    Some(Load {
        requests: before(" requests in")?,
        per_second: after("Requests/sec:")?.parse().ok()?,
        p99: time(after("     99%")?)?,
        failed: match after("Non-2xx or 3xx responses:") {
            Some(failed) => failed.parse().ok()?,
            None => 0,
        },
    })
}

/// A time as wrk prints it: `812.00us`, `1.20ms`, `2.01s`.
fn time(text: &str) -> Option<Duration> {
    let unit = text.find(|letter: char| letter.is_alphabetic())?;
    let seconds = match &text[unit..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Some(Duration::from_secs_f64(text[..unit].parse::<f64>().ok()? * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_prints_is_read() {
        let text = "Running 1s test @ http://127.0.0.1:1/\n  2 threads and 64 connections\n  \
                    Latency Distribution\n     50%    1.20ms\n     99%    4.05ms\n  \
                    12017 requests in 1.10s, 1.2MB read\n  Non-2xx or 3xx responses: 3\n\
                    Requests/sec:  10924.55\nTransfer/sec:  1.1MB\n";
        let load = read(text).unwrap();
        assert_eq!((load.requests, load.per_second, load.failed), (12017.0, 10924.55, 3));
        assert_eq!(load.p99, Duration::from_micros(4050));
        assert!(read("unable to connect").is_none());
    }

    #[test]
    fn times_have_units() {
        let micros = |text| time(text).map(|time| time.as_micros());
        assert_eq!(micros("812.00us"), Some(812));
        assert_eq!(micros("2.01s"), Some(2_010_000));
        assert_eq!(micros("2.01"), None);
    }
}
