//! Compiles one program for somebody who may not wait for its end. Neither does the compiler outlive us, nor
//! what it starts.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::build::{Build, executable, is_no_cargo, no_cargo};
use crate::process::Group;
use crate::{Error, ErrorKind, Program, Result, Workspace};

/// How often to ask whether somebody still waits.
const GLANCE: Duration = Duration::from_millis(50);

/// How long a compilation may take. The first of all compiles what the program depends on as well, and
/// another cargo may have to end before.
pub const COMPILE_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Until when somebody waits for a compilation.
#[derive(Clone, Copy)]
pub struct Wait<'a> {
    is_over: &'a dyn Fn() -> bool,
    limit: Duration,
}

impl<'a> Wait<'a> {
    /// Until this is so, but not longer than [`COMPILE_LIMIT`].
    pub fn until(is_over: &'a dyn Fn() -> bool) -> Wait<'a> {
        Wait { is_over, limit: COMPILE_LIMIT }
    }

    /// Changes how long it may take; [`COMPILE_LIMIT`] by default.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Wait<'a> {
        Wait { limit, ..self }
    }
}

/// Compiles a program. What the compiler says is in the error. Gives up as soon as nobody waits for it.
pub fn build_for(workspace: &Workspace, program: &Program, wait: Wait<'_>) -> Result<PathBuf> {
    let command = Build::default().quiet(true).command(workspace, &[program]);
    compile(command, program.name(), wait)
}

/// Runs cargo, and gives the executable of this name.
pub(crate) fn compile(mut command: Command, name: &str, wait: Wait<'_>) -> Result<PathBuf> {
    let failed = || Error::system("could not start cargo");
    let begun = Instant::now();
    // Its end is that of cargo and all that cargo started, however this function is left.
    let group = Group::start::<&str>([]).map_err(failed())?;
    group.adopt(&mut command);
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(failed())?;
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
            Err(RecvTimeoutError::Timeout) => {
                let why = if (wait.is_over)() {
                    "nobody waits for it any more".to_owned()
                } else if begun.elapsed() > wait.limit {
                    let limit = wait.limit.as_secs_f32() / 60.0;
                    format!(
                        "it was not compiled within {limit} minutes, and the compiler was stopped; \
                         if another cargo is at work in this folder, wait for its end and try again"
                    )
                } else {
                    continue;
                };
                drop(group);
                let _ = child.wait();
                return Err(Error::new(ErrorKind::Build, why));
            }
        }
    }
    let status = child.wait().map_err(Error::system("could not wait for cargo"))?;
    if is_no_cargo(status) {
        return Err(no_cargo());
    }
    let mut built = said[0].lines().filter_map(executable);
    match built.find(|(built, _)| built == name) {
        Some((_, path)) if status.success() => Ok(path),
        _ => Err(Error::new(ErrorKind::Build, said[1].as_str())),
    }
}
