//! Single keys from a terminal, without Enter.

use std::io::{self, IsTerminal, Read};
use std::process::{self, Command, Stdio};
use std::thread;

const CTRL_C: u8 = 3;

/// Hears keys until our process ends; gives the terminal back as it was when it goes.
#[derive(Debug)]
pub struct Keys {
    /// How the terminal was, in words that `stty` knows. `None` if there is no terminal.
    before: Option<String>,
}

impl Keys {
    /// Calls this with each byte that comes, until it returns `false`. What is no terminal is read as well: from a
    /// pipe the keys come as bytes.
    pub fn listen(mut heard: impl FnMut(u8) -> bool + Send + 'static) -> Keys {
        let before = io::stdin().is_terminal().then(|| stty(&["-g"])).flatten();
        if before.is_some() {
            // Ctrl-C is a key too: a signal would end us with the terminal as it is now.
            stty(&["-icanon", "-echo", "-isig"]);
        }
        let keys = Keys { before: before.clone() };
        thread::spawn(move || {
            for byte in io::stdin().lock().bytes() {
                match byte {
                    // At once, whatever is compiled or run. What we have started ends with us.
                    Ok(CTRL_C) => {
                        restore(before.as_deref());
                        process::exit(130);
                    }
                    Ok(byte) if heard(byte) => {}
                    _ => return,
                }
            }
        });
        keys
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        restore(self.before.as_deref());
    }
}

fn restore(before: Option<&str>) {
    if let Some(before) = before {
        stty(&[before]);
    }
}

/// Sets the terminal that is our standard input, and returns what was printed. Without `stty`, keys need Enter.
fn stty(arguments: &[&str]) -> Option<String> {
    let output = Command::new("stty").args(arguments).stdin(Stdio::inherit()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
