//! Where two canonical outputs differ.

use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

use super::canonical::Part;

/// So many equal lines are shown before and after a difference.
const CONTEXT: usize = 3;

/// How two outputs compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    hunks: Vec<Vec<Line>>,
}

/// A line of one output or of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In which output it is.
    pub kind: Kind,
    /// Its parts, which together are the line.
    pub spans: Vec<Span>,
}

/// In which output a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In both.
    Same,
    /// Only in the recorded one.
    Recorded,
    /// Only in the new one.
    Actual,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text to show.
    pub text: String,
    /// What is to be said of it.
    pub mark: Mark,
}

/// What is to be said of a part of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    None,
    /// It stands for something that differs at every run: `‹id 1›`.
    Renamed,
    /// It differs from the same line on the other side.
    Changed,
}

impl Comparison {
    /// Whether both outputs are the same, up to renaming.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.hunks.is_empty()
    }

    /// The differences, each with some lines around it. None if both are the same.
    #[must_use]
    pub fn hunks(&self) -> &[Vec<Line>] {
        &self.hunks
    }
}

pub(super) fn between(recorded: &[Vec<Part>], actual: &[Vec<Part>]) -> Comparison {
    let operations = capture_diff_slices(Algorithm::Myers, recorded, actual);
    if operations.iter().all(|operation| matches!(operation, DiffOp::Equal { .. })) {
        return Comparison { hunks: Vec::new() };
    }
    let hunk = |group: Vec<DiffOp>| {
        group.into_iter().flat_map(|operation| lines(operation, recorded, actual)).collect()
    };
    Comparison { hunks: group_diff_ops(operations, CONTEXT).into_iter().map(hunk).collect() }
}

fn lines(operation: DiffOp, recorded: &[Vec<Part>], actual: &[Vec<Part>]) -> Vec<Line> {
    let old = &recorded[operation.old_range()];
    let new = &actual[operation.new_range()];
    if let DiffOp::Equal { .. } = operation {
        return old.iter().map(|parts| line(Kind::Same, parts, None)).collect();
    }
    // Only a line that was replaced by one line can be said to have changed here and there.
    let pairs = old.len() == new.len();
    let side = |kind, lines: &[Vec<Part>], others: &[Vec<Part>]| -> Vec<Line> {
        let numbered = lines.iter().enumerate();
        numbered.map(|(i, parts)| line(kind, parts, others.get(i).filter(|_| pairs))).collect()
    };
    [side(Kind::Recorded, old, new), side(Kind::Actual, new, old)].concat()
}

fn line(kind: Kind, parts: &[Part], other: Option<&Vec<Part>>) -> Line {
    let letters = letters(parts);
    let changed = match other.map(|other| self::letters(other)) {
        Some(other) => {
            let same = |pair: &(&(char, bool), &(char, bool))| pair.0 == pair.1;
            let start = letters.iter().zip(&other).take_while(same).count();
            let most = letters.len().min(other.len()) - start;
            let end = letters.iter().rev().zip(other.iter().rev()).take_while(same).count();
            start..letters.len() - end.min(most)
        }
        None => 0..0,
    };
    let mut spans: Vec<Span> = Vec::new();
    for (index, (letter, renamed)) in letters.into_iter().enumerate() {
        let mark = match renamed {
            _ if changed.contains(&index) => Mark::Changed,
            true => Mark::Renamed,
            false => Mark::None,
        };
        match spans.last_mut().filter(|last| last.mark == mark) {
            Some(last) => last.text.push(letter),
            None => spans.push(Span { text: letter.into(), mark }),
        }
    }
    Line { kind, spans }
}

fn letters(parts: &[Part]) -> Vec<(char, bool)> {
    let letters = |part: &Part| -> Vec<_> {
        part.text.chars().map(|letter| (letter, part.renamed)).collect()
    };
    parts.iter().flat_map(letters).collect()
}
