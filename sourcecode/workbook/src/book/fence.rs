//! A block of Rust between fences, such as an answer: it gets its colours when the book is built.

use super::highlight;

/// How such a block starts.
pub const START: &str = "```rust";

/// How it ends.
pub const END: &str = "```";

/// The block as HTML. Markdown takes `<pre>` as it is, blank lines and all.
pub fn html(lines: &[&str]) -> String {
    let coloured = highlight::rust(&lines.join("\n")).join("\n");
    format!("<pre><code class=\"language-rust hljs\">{coloured}\n</code></pre>\n")
}
