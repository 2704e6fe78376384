//! Folders in a drawn tree whose names are the first characters of an id.
//!
//! ```text
//! └── b
//!     └── bd
//!         └── bd3f….cache
//! ```

use super::piece::Piece;
use super::scan::is_hex;

/// The longest folder name that is taken for the beginning of an id.
const LONGEST: usize = 2;

/// Replaces the names of such folders. A name that is not the beginning of every id below it stays
/// as it is.
pub(super) fn derive_folders(raw: &[&str], lines: &mut [Vec<Piece>]) {
    for index in 0..raw.len() {
        let Some((drawing, name)) = folder(raw[index]) else { continue };
        let deep = depth(drawing);
        let below = raw[index + 1..]
            .iter()
            .take_while(|line| split(line).is_some_and(|(drawing, _)| depth(drawing) > deep));
        let mut ids = lines[index + 1..index + 1 + below.count()]
            .iter()
            // A file's name begins with the id: it follows the drawing.
            .filter_map(|line| line.get(1)?.id());
        let Some(id) = ids.next().filter(|id| id.starts_with(name)) else { continue };
        if ids.all(|other| other.starts_with(name)) {
            let beginning = Piece::Beginning(id.to_owned(), name.len());
            lines[index] = vec![Piece::text(drawing), beginning];
        }
    }
}

/// The drawing and the name, if the name could be the beginning of an id.
fn folder(line: &str) -> Option<(&str, &str)> {
    split(line).filter(|(_, name)| (1..=LONGEST).contains(&name.len()) && name.chars().all(is_hex))
}

/// A line of a tree: its drawing and the rest.
fn split(line: &str) -> Option<(&str, &str)> {
    // `tree` draws with spaces that do not break.
    let name = line.trim_start_matches(['│', '├', '└', '─', ' ', '\u{a0}']);
    let drawing = &line[..line.len() - name.len()];
    drawing.contains('─').then_some((drawing, name))
}

fn depth(drawing: &str) -> usize {
    drawing.chars().count()
}
