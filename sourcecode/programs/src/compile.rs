//! Compiles one program for somebody who may not wait for its end.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::build::{Build, executable, no_cargo};
use crate::{Error, ErrorKind, Program, Result, Workspace};

/// How often to ask whether somebody still waits.
const GLANCE: Duration = Duration::from_millis(50);

/// Compiles a program. What the compiler says is in the error. Gives up as soon as nobody waits for it.
pub fn build_for(
    workspace: &Workspace,
    program: &Program,
    is_waited_for: &dyn Fn() -> bool,
) -> Result<PathBuf> {
    let command = Build::default().quiet(true).command(workspace, &[program]);
    compile(command, program.name(), is_waited_for)
}

/// Runs cargo, and gives the executable of this name.
pub(crate) fn compile(
    mut command: Command,
    name: &str,
    is_waited_for: &dyn Fn() -> bool,
) -> Result<PathBuf> {
    let cargo = command.get_program().to_string_lossy().into_owned();
    let spawned = command.stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| no_cargo(&cargo, error))?;
    // Both are read by threads, so that neither fills up while the other one is waited for.
    let (sender, texts) = mpsc::channel();
    let pipes: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as _),
        child.stderr.take().map(|pipe| Box::new(pipe) as _),
    ];
    for (number, mut pipe) in pipes.into_iter().flatten().enumerate() {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.read_to_end(&mut bytes);
            let _ = sender.send((number, String::from_utf8_lossy(&bytes).into_owned()));
        });
    }
    drop(sender);
    let mut said = [String::new(), String::new()];
    loop {
        match texts.recv_timeout(GLANCE) {
            Ok((number, text)) => said[number] = text,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if is_waited_for() => {}
            Err(RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Error::new(ErrorKind::Build, "nobody waits for it any more"));
            }
        }
    }
    let status = child.wait().map_err(Error::system(format!("could not wait for {cargo}")))?;
    let mut built = said[0].lines().filter_map(executable);
    match built.find(|(built, _)| built == name) {
        Some((_, path)) if status.success() => Ok(path),
        _ => Err(Error::new(ErrorKind::Build, said[1].as_str())),
    }
}
