//! `follow`: a translation was brought up to date.

use anyhow::Result;
use programs::Workspace;

use crate::book::{self, State};
use crate::status::Status;

pub fn follow(workspace: &Workspace, pages: &[String], all: bool) -> Result<Status> {
    let root = workspace.root();
    let pages = if all { book::translated(root)? } else { pages.to_vec() };
    for page in pages {
        let page = page.strip_suffix(".md").unwrap_or(&page);
        for (file, before) in book::follow(root, page)? {
            match before {
                State::Current => anstream::println!("{file} follows the English page already"),
                State::Stale | State::Unknown => anstream::println!(
                    "{file} follows the English page as it is now; what it has taken over: \
                     git log -p book/en/src/{page}.md"
                ),
            }
        }
    }
    Ok(Status::Fine)
}
