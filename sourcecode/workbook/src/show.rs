//! How results look.

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use programs::comparison::Comparison;

/// Our standard output, which drops colours where nobody can see them.
pub type Output = AutoStream<io::Stdout>;

/// Our standard output.
pub fn output() -> Output {
    AutoStream::auto(io::stdout())
}

/// A line on the standard error, for what is not a result.
pub fn note(text: &str) {
    let faint = Style::new().dimmed();
    anstream::eprintln!("{faint}{text}{faint:#}");
}

/// Whether somebody watches the standard error, so that cargo may show how far it is.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// `✓ name`.
pub fn good(output: &mut Output, name: &str) -> io::Result<()> {
    let green = AnsiColor::Green.on_default();
    writeln!(output, "{green}✓{green:#} {name}")
}

/// `✗ name: why`.
pub fn bad(output: &mut Output, name: &str, why: &str) -> io::Result<()> {
    let red = AnsiColor::Red.on_default();
    writeln!(output, "{red}✗{red:#} {name}: {why}")
}

/// A difference, indented below the line that it belongs to.
pub fn difference(output: &mut Output, comparison: &Comparison) -> io::Result<()> {
    for line in comparison.coloured().lines() {
        writeln!(output, "    {line}")?;
    }
    Ok(())
}
