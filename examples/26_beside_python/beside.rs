//! What stands beside this program: the application in Python, and nginx before both.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use beaker::{Error, ErrorKind, Result};
use servers::nginx::Proxy;

/// Both applications read it.
pub const SETTINGS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/26_beside_python/settings.ini"
);

const APPLICATION: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/26_beside_python/application.py"
);

/// Where `merging_session.py` is.
const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/book/python");

const RECORDED: &str =
    include_str!("../../expected-output/26_beside_python.txt");

/// What is not installed here and is needed. An error if it is required, as for the servers of the tests.
pub fn missing() -> Result<Option<String>> {
    let mut missing = Vec::new();
    if find_python().is_none() {
        let what = "a Python with the packages Beaker and waitress: `pip install Beaker waitress`, \
                    and name it in BEAKER_PYTHON";
        missing.push(what);
    }
    if servers::installed::find("nginx").is_none() {
        missing.push("nginx");
    }
    let missing = (!missing.is_empty()).then(|| missing.join("; "));
    match missing {
        Some(missing) if servers::required() => Err(Error::new(
            ErrorKind::Unavailable,
            format!("required is {missing}"),
        )),
        missing => Ok(missing),
    }
}

/// Prints the expected output: what this program has printed where all is installed.
pub fn show_recorded(missing: &str) {
    eprintln!(
        "This is the expected output. To see it happen, install {missing}."
    );
    let (_command, output) = RECORDED.split_once('\n').unwrap_or_default();
    print!("{output}");
}

/// The Python that is named, the one that `.ci/run` makes, or the system's.
fn find_python() -> Option<PathBuf> {
    let made =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python");
    let named = env::var_os("BEAKER_PYTHON").map(PathBuf::from);
    let candidates =
        named.map_or_else(|| vec![made, "python3".into()], |named| vec![named]);
    candidates.into_iter().find(|python| {
        let mut command = Command::new(python);
        let packages = command.args(["-c", "import beaker, waitress"]);
        let status = packages
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    })
}

/// The running application in Python, ended when this value goes.
pub struct Python {
    process: Child,
    address: SocketAddr,
}

impl Python {
    pub fn start() -> Result<Python> {
        let failed = |what: &str| {
            Error::new(
                ErrorKind::Unavailable,
                format!("the application in Python {what}"),
            )
        };
        let python = find_python().ok_or_else(|| failed("has no Python"))?;
        let mut process = Command::new(python)
            .args([APPLICATION, SETTINGS])
            .env("PYTHONPATH", MODULES)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed("cannot be started").caused_by(error))?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        let address =
            (Ipv4Addr::LOCALHOST, line.trim().parse().unwrap_or(0)).into();
        let python = Python { process, address };
        if python.address.port() == 0 {
            return Err(failed("does not serve; see above what it says"));
        }
        Ok(python)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts nginx before both.
pub fn nginx(python: SocketAddr, rust: SocketAddr) -> Result<Proxy> {
    let configuration = include_str!("nginx.conf")
        .replace("${PYTHON}", &python.to_string())
        .replace("${RUST}", &rust.to_string());
    Proxy::start(&configuration).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "nginx does not run")
            .caused_by(error)
    })
}
