//! The notes on a listing: the ordered list that follows it says what each callout means.

use super::listing::Listing;

/// The list as Markdown, with an id for each note.
///
/// # Errors
///
/// A list that explains other callouts than the listing shows, or none.
pub fn notes(listing: &Listing, lines: &[&str]) -> Result<String, String> {
    let callouts = listing.callouts();
    let mut explained = Vec::new();
    let mut text = String::from("<div class=\"notes\">\n\n");
    for line in lines {
        match item(line) {
            Some((number, rest)) => {
                let id = listing.note(number);
                text.push_str(&format!("{number}. <span id=\"{id}\"></span>{rest}\n"));
                explained.push(number);
            }
            None => text.push_str(&format!("{line}\n")),
        }
    }
    text.push_str("\n</div>\n\n");
    if explained == callouts {
        return Ok(text);
    }
    Err(format!(
        "the listing has the callouts {callouts:?}, the list that follows it explains {explained:?}"
    ))
}

/// `"1. text"` as a number and a text.
fn item(line: &str) -> Option<(usize, &str)> {
    let (number, text) = line.split_once(". ")?;
    Some((number.parse().ok()?, text))
}
