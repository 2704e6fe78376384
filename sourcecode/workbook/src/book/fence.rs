//! A block of Rust between fences, such as an answer: it gets its colours when the book is built.

use super::highlight;

/// How such a block starts.
pub const START: &str = "```rust";

const END: &str = "```";

/// The block as HTML, from the lines that follow its start. Markdown takes `<pre>` as it is, blank lines
/// and all.
pub fn html<'a>(lines: impl Iterator<Item = &'a str>) -> Result<String, String> {
    let mut code = Vec::new();
    for line in lines {
        if line == END {
            let coloured = highlight::rust(&code.join("\n")).join("\n");
            let start = "<pre><code class=\"language-rust hljs\">";
            return Ok(format!("{start}{coloured}\n</code></pre>\n"));
        }
        code.push(line);
    }
    Err(format!("`{START}` is not closed by `{END}`"))
}
