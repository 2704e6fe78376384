//! `sitemap.xml`: every page that a search engine may show, and the same page of the other edition.

use std::path::Path;

use anyhow::Result;

use super::super::edition::EDITIONS;
use super::{Address, names};

/// What shows other pages once more.
const COPIES: [&str; 2] = ["index.html", "print.html"];

/// The sitemap of the site that is laid out in this folder.
pub fn sitemap(folder: &Path, address: &Address) -> Result<String> {
    let mut all = Vec::new();
    for edition in &EDITIONS {
        let mut pages = names(&folder.join(edition.code))?;
        pages.retain(|name| !COPIES.contains(&name.as_str()));
        all.push((edition, pages));
    }
    let mut urls = format!("<url><loc>{address}</loc></url>\n");
    for (edition, pages) in &all {
        for name in pages {
            let there = all.iter().filter(|(_, pages)| pages.contains(name));
            let links: String = there
                .map(|(other, _)| {
                    let url = address.of(&format!("{}/{name}", other.code));
                    let code = other.code;
                    format!("<xhtml:link rel=\"alternate\" hreflang=\"{code}\" href=\"{url}\"/>\n")
                })
                .collect();
            let url = address.of(&format!("{}/{name}", edition.code));
            urls += &format!("<url><loc>{url}</loc>\n{links}</url>\n");
        }
    }
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
         xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n{urls}</urlset>\n"
    ))
}
