//! Removes what has expired from a backend: `sweep file data_dir=./cache`.

use std::env;
use std::process::ExitCode;

use beaker::{Backend, Error, ErrorKind, Result, sweeper};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    match sweep(&words) {
        Ok(removed) => {
            println!("{removed} expired values removed");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:?}");
            ExitCode::from(if error.kind() == ErrorKind::Config { 2 } else { 6 })
        }
    }
}

/// Sweeps the backend that the words name: its type, then its options.
fn sweep(words: &[String]) -> Result<usize> {
    let Some((name, options)) = words.split_first() else {
        let what = "say which backend to sweep, and its options: `sweep file data_dir=./cache`";
        return Err(Error::new(ErrorKind::Config, what));
    };
    let option = |word: &'_ String| match word.split_once('=') {
        Some((option, value)) => Ok((option.to_owned(), value.to_owned())),
        None => {
            let what =
                format!("`{word}` is no option; write `name=value`, as in `data_dir=./cache`");
            Err(Error::new(ErrorKind::Config, what))
        }
    };
    let options = options.iter().map(option).collect::<Result<Vec<_>>>()?;
    let options: Vec<(&str, &str)> =
        options.iter().map(|(option, value)| (option.as_str(), value.as_str())).collect();
    if name == "memory" || name == "null" {
        let what = format!("the backend `{name}` ends with its process, and has nothing to sweep");
        return Err(Error::new(ErrorKind::Config, what));
    }
    sweeper::sweep(&**Backend::open(name, &options)?.store())
}
