//! An output with everything renamed that differs at every run.

use std::collections::{BTreeMap, BTreeSet};

use super::piece::{Piece, Sort};
use super::{dump, scan, stored, tree};

/// A part of a canonical line. What was renamed is never equal to a text that looks like it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) renamed: bool,
}

/// The canonical lines of an output.
pub(super) fn canonical(output: &str) -> Vec<Vec<Part>> {
    let lines = pieces(output);
    let times = times(&lines);
    let mut names = Names::default();
    let part = |piece: &Piece| match piece {
        Piece::Text(text) => Part { text: text.clone(), renamed: false },
        Piece::Name(sort, name) => renamed(names.name(*sort, name)),
        Piece::Time(time) => {
            let rank = times.range(..time).count() + 1;
            renamed(format!("time {rank}"))
        }
        Piece::Beginning(id, length) => {
            renamed(format!("{}, first {length}", names.name(Sort::Id, id)))
        }
    };
    let mut part = part;
    lines.iter().map(|line| line.iter().map(&mut part).collect()).collect()
}

fn renamed(name: String) -> Part {
    Part { text: format!("‹{name}›"), renamed: true }
}

/// The pieces of each line; a dump becomes the fields of the file that it shows.
fn pieces(output: &str) -> Vec<Vec<Piece>> {
    let raw: Vec<&str> = output.split_terminator('\n').collect();
    let mut scanned: Vec<Vec<Piece>> = raw.iter().map(|line| scan::scan(line)).collect();
    tree::derive_folders(&raw, &mut scanned);
    derive_shown(&mut scanned);
    let printed = times(&scanned);
    let mut lines = Vec::with_capacity(scanned.len());
    let mut scanned = scanned.into_iter();
    let mut at = 0;
    while let Some(line) = scanned.next() {
        if let Some(dump) = dump::read(&raw[at..]) {
            let layout = if dump.gap { "with a gap" } else { "without a gap" };
            let (length, count) = (dump.bytes.len(), dump.lines);
            lines.push(vec![Piece::Text(format!("{length} bytes on {count} lines, {layout}"))]);
            lines.extend(stored::describe(&dump.bytes, &printed));
            // The other lines of the dump.
            scanned.by_ref().take(count - 1).for_each(drop);
            at += count;
        } else {
            lines.push(line);
            at += 1;
        }
    }
    lines
}

/// An id that an error shows the beginning of is the one that the output has in full, or one of its own.
fn derive_shown(lines: &mut [Vec<Piece>]) {
    let ids = lines.iter().flatten().filter_map(Piece::id);
    let ids: Vec<String> = ids.map(str::to_owned).collect();
    for piece in lines.iter_mut().flatten() {
        if let Piece::Beginning(shown, length) = piece
            && shown.len() == *length
        {
            *shown = ids.iter().find(|id| id.starts_with(&**shown)).unwrap_or(shown).clone();
        }
    }
}

fn times(lines: &[Vec<Piece>]) -> BTreeSet<u64> {
    let time = |piece: &Piece| if let Piece::Time(time) = piece { Some(*time) } else { None };
    lines.iter().flatten().filter_map(time).collect()
}

/// Numbers names in the order of their first appearance.
#[derive(Debug, Default)]
struct Names {
    numbers: BTreeMap<(Sort, String), usize>,
}

impl Names {
    fn name(&mut self, sort: Sort, name: &str) -> String {
        let next = self.numbers.keys().filter(|(other, _)| *other == sort).count() + 1;
        let number = *self.numbers.entry((sort, name.to_owned())).or_insert(next);
        format!("{} {number}", sort.word())
    }
}
