//! A server in a process of its own, seen from outside.

use std::collections::HashSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A thousand visitors have more than 1024 files, which is what many systems allow a process.
const WITH_MANY_FILES: &str = r#"ulimit -n 16384 2>/dev/null; exec "$0" "$@""#;

/// A running server, which is ended when this value goes.
#[derive(Debug)]
pub struct Served {
    child: Child,
    url: String,
}

impl Served {
    /// Starts a program that prints its URL and serves.
    pub fn start(
        program: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> io::Result<Served> {
        let mut command = Command::new("sh");
        command.args(["-c", WITH_MANY_FILES, program]).args(arguments);
        let mut child = command
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            // What it logs for each request would take time, and what fails is counted.
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut served = Served { child, url: String::new() };
        BufReader::new(stdout).read_line(&mut served.url)?;
        served.url.truncate(served.url.trim_end().len());
        if served.url.is_empty() {
            return Err(io::Error::other(format!("{program} {arguments:?} does not serve")));
        }
        Ok(served)
    }

    /// Where it serves, as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The whole answer to a `GET`.
    pub fn get(&self, path: &str, cookie: &str) -> io::Result<String> {
        let host = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        write!(stream, "{head}Cookie: {cookie}\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// The cookie that a page gives a new visitor.
    pub fn cookie(&self, path: &str) -> io::Result<String> {
        let answer = self.get(path, "none=1")?;
        let mut lines = answer.lines();
        let header = lines.find_map(|line| line.strip_prefix("set-cookie: "));
        let cookie = header.and_then(|header| header.split(';').next());
        cookie.map(str::to_owned).ok_or_else(|| io::Error::other(format!("no cookie in {answer}")))
    }

    /// The processor time that it has used, in seconds.
    pub fn processor_time(&self) -> io::Result<f64> {
        let stat = fs::read_to_string(self.proc("stat"))?;
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks = after_name.split_whitespace().skip(11).take(2);
        Ok(ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0)
    }

    /// How many threads it has.
    pub fn threads(&self) -> io::Result<usize> {
        Ok(fs::read_dir(self.proc("task"))?.count())
    }

    /// How many connections it has to a server on this port.
    pub fn connections_to(&self, port: u16) -> io::Result<usize> {
        let mut own = HashSet::new();
        for file in fs::read_dir(self.proc("fd"))? {
            // It may be closed by now.
            let Ok(link) = fs::read_link(file?.path()) else { continue };
            let link = link.to_string_lossy().into_owned();
            own.extend(
                link.strip_prefix("socket:[").map(|rest| rest.trim_end_matches(']').to_owned()),
            );
        }
        let remote = format!(":{port:04X}");
        let table = fs::read_to_string(self.proc("net/tcp"))?;
        let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<&str>>());
        let to_it = |row: &Vec<&str>| {
            row.len() > 9 && row[2].ends_with(&remote) && row[3] == "01" && own.contains(row[9])
        };
        Ok(rows.filter(to_it).count())
    }

    fn proc(&self, name: &str) -> PathBuf {
        format!("/proc/{}/{name}", self.child.id()).into()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
