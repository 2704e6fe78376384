//! `list`: the programs.

use std::fs;
use std::io::Write;

use anstyle::Style;
use anyhow::Result;
use programs::{Catalog, Program, Recording, Workspace};

use crate::show;
use crate::status::Status;

pub fn list(workspace: &Workspace) -> Result<Status> {
    let catalog = Catalog::read(workspace)?;
    let programs = catalog.programs();
    let width = programs.iter().map(|program| program.name().len()).max().unwrap_or(0);
    let mut output = show::output();
    let (strong, faint) = (Style::new().bold(), Style::new().dimmed());
    for program in programs {
        let mut remarks = Vec::new();
        if program.needs_memcached() {
            remarks.push("needs memcached");
        }
        if program.needs_redis() {
            remarks.push("needs redis");
        }
        if program.is_served() {
            remarks.push("serves pages");
        }
        if Recording::read(workspace, program)?.is_none() {
            remarks.push("no expected output yet");
        }
        let remarks = match remarks.as_slice() {
            [] => String::new(),
            remarks => format!(" {faint}({}){faint:#}", remarks.join(", ")),
        };
        let (number, name) = (program.number(), program.name());
        let line =
            format!("{strong}{number:>3}{strong:#}  {name:width$}  {}{remarks}", purpose(program));
        writeln!(output, "{}", line.trim_end())?;
    }
    Ok(Status::Fine)
}

/// The first line of a program's documentation.
fn purpose(program: &Program) -> String {
    // A program that cannot be read is still there; building it will say why.
    let source = fs::read_to_string(program.source()).unwrap_or_default();
    let line = source.lines().find_map(|line| line.strip_prefix("//! "));
    line.unwrap_or_default().trim_end_matches('.').to_owned()
}
