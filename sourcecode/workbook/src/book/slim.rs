//! The scripts and style sheets without what only their authors read: a page has a budget, and every page
//! loads them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The scripts that mdBook ships as they were written.
const SCRIPTS: [&str; 3] = ["book.js", "searcher.js", "toc.js"];

/// Where its style sheets are, and all that is ours.
const FOLDERS: [&str; 2] = ["css", "fonts"];

/// What stands around each page in the contents that a script puts on every page, and a sign that takes its place there.
const AROUND: [(&str, &str); 3] = [
    ("^", r#"<li class="chapter-item expanded "><span class="chapter-link-wrapper">"#),
    ("~", r#"<strong aria-hidden="true">"#),
    ("|", "</a></span></li>"),
];

/// Takes comments and indentation out of the scripts and style sheets in `built`, and what is the same for all pages out of the contents.
///
/// # Errors
///
/// A script or a folder that is not there.
pub fn slim(built: &Path) -> Result<()> {
    let mut written: Vec<PathBuf> = SCRIPTS.map(|name| built.join(name)).to_vec();
    for folder in FOLDERS.map(|name| built.join(name)) {
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("could not read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let is_text = path.extension().is_some_and(|it| it == "css" || it == "js");
            written.extend(is_text.then_some(path));
        }
    }
    for path in written {
        let text = fs::read_to_string(&path)
            .with_context(|| format!("could not read {}", path.display()))?;
        fs::write(&path, contents(&code(&text)))
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

/// The script whose text of the contents says each of [`AROUND`] once; another one as it is, and one with a sign in a
/// title as well.
fn contents(script: &str) -> String {
    let (start, end) = ("this.innerHTML = '", "';\n");
    let Some((before, rest)) = script.split_once(start) else { return script.to_owned() };
    let Some((list, after)) = rest.split_once(end) else { return script.to_owned() };
    if AROUND.iter().any(|(sign, _)| list.contains(sign)) {
        return script.to_owned();
    }
    let short = AROUND.iter().fold(list.to_owned(), |list, (sign, html)| list.replace(html, sign));
    let whole = AROUND.map(|(sign, html)| format!(".replaceAll('{sign}', '{html}')")).concat();
    format!("{before}{start}{short}'{whole};\n{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_indentation_go_and_code_stays() {
        let script = "/**\n * Says what.\n */\n(function() {\n\n    // Why.\n    a = 'b \\\n\
                      c'; // d\n    /* e */\n    return \"//f\";\n})();\n";
        assert_eq!(code(script), "(function() {\na = 'b \\\nc'; // d\nreturn \"//f\";\n})();\n");
        let sheet = "/* Wide. */\n.a,\n.b {\n    width: 1px; /* c */\n    /* d\n       e */\n}\n";
        assert_eq!(code(sheet), ".a,\n.b {\nwidth: 1px; /* c */\n}\n");
    }

    #[test]
    fn the_contents_say_once_what_is_around_a_page() {
        let [(_, li), (_, strong), (_, end)] = AROUND;
        let page = format!("{li}<a href=\"a.html\">{strong}1.</strong> A{end}");
        let script = |list: &str| format!("a();\nthis.innerHTML = '<ol>{list}</ol>';\nb();\n");
        let short = contents(&script(&page));
        let list = "a();\nthis.innerHTML = '<ol>^<a href=\"a.html\">~1.</strong> A|</ol>'.replaceAll('^', '<li";
        assert!(short.starts_with(list), "{short}");
        assert!(short.ends_with(".replaceAll('|', '</a></span></li>');\nb();\n"), "{short}");
        for other in ["a();\n", &script("A | B"), "this.innerHTML = 'a"] {
            assert_eq!(contents(other), other);
        }
    }
}
