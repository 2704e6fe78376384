//! The lines of a file that a page shows: all, a range, or the part between two anchors.

use std::collections::BTreeSet;

/// A page shows at most this many lines of a program at once.
pub const MOST_LINES: usize = 30;
/// And at most this many columns, so that no line needs scrolling.
pub const MOST_COLUMNS: usize = 80;

/// One line that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: usize,
    /// Its text, without the callout.
    pub text: String,
    /// The number of the callout at its end.
    pub callout: Option<usize>,
}

/// Splits a file into lines, and takes the callouts `// (1)` off their ends.
pub fn lines(text: &str) -> Vec<Line> {
    let line = |(index, text): (usize, &str)| {
        let (text, callout) = callout(text);
        Line { number: index + 1, text: text.to_owned(), callout }
    };
    text.lines().enumerate().map(line).collect()
}

fn callout(line: &str) -> (&str, Option<usize>) {
    let found = || {
        let (code, number) = line.trim_end().strip_suffix(')')?.rsplit_once("// (")?;
        Some((code.trim_end(), number.parse().ok()?))
    };
    found().map_or((line.trim_end(), None), |(code, number)| (code, Some(number)))
}

/// Keeps the lines `first-last`.
pub fn cut(lines: &[Line], range: &str) -> Result<Vec<Line>, String> {
    let wanted = numbers(range)?;
    let (Some(&first), Some(&last)) = (wanted.first(), wanted.last()) else {
        return Err("`lines` is empty".to_owned());
    };
    if wanted.len() != last - first + 1 {
        return Err(format!("lines=\"{range}\" has a gap; show one range, such as \"3-14\""));
    }
    let end = lines.last().map_or(0, |line| line.number);
    if last > end {
        return Err(format!("lines=\"{range}\" goes beyond the file, which has {end} lines"));
    }
    Ok(lines.iter().filter(|line| wanted.contains(&line.number)).cloned().collect())
}

/// Keeps what is between `// ANCHOR: name` and `// ANCHOR_END: name`.
pub fn anchored(lines: &[Line], name: &str) -> Result<Vec<Line>, String> {
    let place = |marker: &str| {
        let wanted = format!("// {marker}: {name}");
        lines.iter().position(|line| line.text.trim() == wanted)
    };
    match (place("ANCHOR"), place("ANCHOR_END")) {
        (Some(start), Some(end)) if start < end => Ok(lines[start + 1..end].to_vec()),
        (Some(_), _) => Err(format!("anchor `{name}` is not closed by `// ANCHOR_END: {name}`")),
        (None, _) => Err(format!("there is no `// ANCHOR: {name}` in the file")),
    }
}

/// Takes out the anchors themselves.
pub fn without_anchors(lines: Vec<Line>) -> Vec<Line> {
    let anchor = |line: &Line| {
        let text = line.text.trim();
        text.starts_with("// ANCHOR: ") || text.starts_with("// ANCHOR_END: ")
    };
    lines.into_iter().filter(|line| !anchor(line)).collect()
}

/// `"1,7-11"` as line numbers.
pub fn numbers(text: &str) -> Result<BTreeSet<usize>, String> {
    let wrong = || format!("`{text}` is not a list of lines such as \"7\" or \"1,7-11\"");
    let mut numbers = BTreeSet::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: usize = first.trim().parse().map_err(|_| wrong())?;
        let last: usize = last.trim().parse().map_err(|_| wrong())?;
        // The upper limit keeps a slip of the hand from asking for a billion numbers.
        if first == 0 || last < first || last > 100_000 {
            return Err(wrong());
        }
        numbers.extend(first..=last);
    }
    Ok(numbers)
}

/// Refuses what would not fit a page.
pub fn check_size(lines: &[Line]) -> Result<(), String> {
    let shown = lines.len();
    if lines.iter().all(|line| line.text.trim().is_empty()) {
        return Err("it shows nothing but blank lines".to_owned());
    }
    let mut edges = [lines.first(), lines.last()].into_iter().flatten();
    if let Some(line) = edges.find(|line| line.text.trim().is_empty()) {
        return Err(format!("it begins or ends with a blank line, which is line {}", line.number));
    }
    if shown > MOST_LINES {
        return Err(format!(
            "it shows {shown} lines, at most {MOST_LINES} are allowed; pick some with `lines` or \
             `anchor`"
        ));
    }
    let columns = |line: &Line| line.text.chars().count();
    if let Some(line) = lines.iter().find(|line| columns(line) > MOST_COLUMNS) {
        let (number, columns) = (line.number, columns(line));
        return Err(format!(
            "line {number} has {columns} columns, at most {MOST_COLUMNS} are allowed"
        ));
    }
    Ok(())
}
