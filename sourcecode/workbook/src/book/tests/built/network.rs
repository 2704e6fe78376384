//! A page asks nothing of another host.

use super::{editions, files, tags};

/// Addresses in mdBook's files that no page asks for.
const UNUSED: [(&str, &str); 8] = [
    // The name of the kind of drawing that an icon is.
    ("chrome.css", "http://www.w3.org"),
    // Asked about blocks of the class `playground`, and no page has one.
    ("book.js", "https://play.rust-lang.org"),
    // In comments.
    ("book.js", "https://github.com"),
    ("clipboard.min.js", "https://zenorocha.github.io"),
    ("elasticlunr.min.js", "http://weixsong.github.io"),
    ("mark.min.js", "https://git.io"),
    ("mark.min.js", "https://markjs.io"),
    ("searcher.js", "https://developer.mozilla.org"),
];

/// The hosts that a script or a style sheet names.
fn hosts(text: &str) -> Vec<&str> {
    let host = |(at, _)| {
        let start = text[..at].rfind(|c: char| !c.is_ascii_alphabetic() && c != ':')?;
        let scheme = &text[start + 1..at];
        let end = text[at + 2..].find(|c: char| !c.is_alphanumeric() && c != '.' && c != '-');
        let host = &text[start + 1..at + 2 + end?];
        (scheme == "http:" || scheme == "https:").then_some(host)
    };
    text.match_indices("//").filter_map(host).collect()
}

fn without_comments(css: &str) -> String {
    let mut parts = css.split("/*");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once("*/").map_or("", |(_, rest)| rest))
}

#[test]
fn nothing_is_fetched_from_the_network() {
    for built in editions() {
        for (name, page) in &built.pages {
            let place = format!("{}/{name}", built.edition.code);
            for tag in tags(page) {
                // A plain `<a href>` is followed by the reader alone.
                let followed = tag.name == "a";
                for attribute in ["src", "href", "srcset", "action", "poster", "data", "style"] {
                    let url = tag.get(attribute).filter(|url| !url.starts_with("data:"));
                    let remote = url.is_some_and(|url| url.contains("//"));
                    assert!(followed || !remote, "{place}: <{} {attribute}={url:?}>", tag.name);
                }
                assert!(!tag.has_class("playground"), "{place}: mdBook's script would run it");
            }
        }
    }
}

#[test]
fn no_style_sheet_and_no_script_names_another_host() {
    for built in editions() {
        for folder in ["", "css", "fonts"] {
            let folder = built.folder.join(folder);
            let mut all = files(&folder, ".css");
            all.extend(files(&folder, ".js"));
            // What is searched for is the text of the pages.
            all.remove("searchindex.js");
            for (name, text) in all {
                let text = if name.ends_with(".css") { without_comments(&text) } else { text };
                for host in hosts(&text) {
                    let unused = UNUSED.contains(&(name.as_str(), host));
                    assert!(unused, "{name} of book/{} names {host}", built.edition.code);
                }
            }
        }
    }
}

#[test]
fn hosts_are_found() {
    assert_eq!(hosts("a //b/ url(\"https://c.d/e\") +'http://f'"), ["https://c.d", "http://f"]);
}
