//! The scripts of mdBook without what only their authors read: a page has a budget, and every page loads
//! them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The scripts that mdBook ships as they were written.
const WRITTEN: [&str; 3] = ["book.js", "searcher.js", "toc.js"];

/// Takes comments and indentation out of the scripts in `built`.
///
/// # Errors
///
/// A script that is not there.
pub fn slim(built: &Path) -> Result<()> {
    for name in WRITTEN {
        let path = built.join(name);
        let script = fs::read_to_string(&path)
            .with_context(|| format!("could not read {}", path.display()))?;
        fs::write(&path, code(&script))
            .with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

/// The lines of code: what stands on a line of its own is dropped, what follows code stays.
fn code(script: &str) -> String {
    let mut code = String::with_capacity(script.len());
    let mut comment = false;
    for line in script.lines().map(str::trim_start) {
        comment |= line.starts_with("/*");
        if !comment && !line.is_empty() && !line.starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
        comment &= !line.contains("*/");
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_indentation_go_and_code_stays() {
        let script = "/**\n * Says what.\n */\n(function() {\n\n    // Why.\n    a = 'b \\\n\
                      c'; // d\n    /* e */\n    return \"//f\";\n})();\n";
        assert_eq!(code(script), "(function() {\na = 'b \\\nc'; // d\nreturn \"//f\";\n})();\n");
    }
}
