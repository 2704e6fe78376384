//! The same preprocessor as a command of its own, for the plain `mdbook build book/en`.

use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result, bail};
use mdbook_preprocessor::{Preprocessor, parse_input};

use super::pages::Pages;

/// Speaks mdBook's protocol: `supports RENDERER` answers by the exit status; without arguments a
/// book comes in as JSON on standard input, and goes out on standard output.
pub fn preprocess(arguments: &[String]) -> Result<()> {
    match arguments {
        [] => {
            let (context, book) = parse_input(io::stdin().lock())
                .context("standard input should be what mdBook sends to a preprocessor")?;
            let book = Pages.run(&context, book)?;
            let mut output = BufWriter::new(io::stdout().lock());
            serde_json::to_writer(&mut output, &book).context("could not write the book")?;
            output.flush().context("could not write the book")
        }
        [word, renderer] if word == "supports" => {
            if Pages.supports_renderer(renderer)? {
                Ok(())
            } else {
                bail!("the book is made for `html`, not for `{renderer}`")
            }
        }
        _ => bail!("expected no arguments, or `supports RENDERER`"),
    }
}
