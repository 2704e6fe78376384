//! Processes that run the same program, and talk to it line by line.

use std::env;
use std::io::{self, BufRead, BufReader, Error, ErrorKind, Result, Write};
use std::process::{self, Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// A child that says nothing for this long is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// The children. All are killed when this value is dropped.
pub struct Children {
    children: Vec<Child>,
    said: Receiver<(usize, String)>,
}

impl Children {
    /// Starts `count` children with one more variable in their environment.
    pub fn start(count: usize, name: &str, value: &str) -> Result<Children> {
        let (sender, said) = mpsc::channel();
        let mut started = Children { children: Vec::new(), said };
        for number in 0..count {
            let mut child = Command::new(env::current_exe()?)
                .env(name, value)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let lines = child.stdout.take().map(BufReader::new);
            started.children.push(child);
            let sender = sender.clone();
            thread::spawn(move || {
                for line in lines.into_iter().flat_map(BufRead::lines).flatten()
                {
                    if sender.send((number, line)).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(started)
    }

    /// The next line that a child says, with the child's number.
    pub fn hear(&mut self) -> Result<(usize, String)> {
        let silence =
            |_| Error::new(ErrorKind::TimedOut, "no child says anything");
        self.said.recv_timeout(PATIENCE).map_err(silence)
    }

    /// Says a line to one child.
    pub fn tell(&mut self, number: usize, line: &str) -> Result<()> {
        match &mut self.children[number].stdin {
            Some(stdin) => writeln!(stdin, "{line}"),
            None => Ok(()),
        }
    }

    /// Says a line to all children that are alive.
    pub fn tell_all(&mut self, line: &str) -> Result<()> {
        (0..self.children.len()).try_for_each(|child| self.tell(child, line))
    }

    /// Kills one child, whatever it is doing.
    pub fn kill(&mut self, number: usize) -> Result<()> {
        let child = &mut self.children[number];
        child.stdin = None;
        child.kill()?;
        child.wait().map(drop)
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for number in 0..self.children.len() {
            // An error means that the child is gone.
            let _ = self.kill(number);
        }
    }
}

/// Says a line to the parent.
pub fn say(line: &str) {
    // `hear` finds out whether the parent is there.
    let _ = writeln!(io::stdout(), "{line}");
}

/// The next line from the parent. Without a parent there is nothing to do.
pub fn hear() -> String {
    let mut line = String::new();
    match io::stdin().read_line(&mut line) {
        Ok(1..) => line.trim_end().to_owned(),
        _ => process::exit(0),
    }
}
