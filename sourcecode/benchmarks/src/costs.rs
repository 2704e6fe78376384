//! What the stores cost, as readers see it: in `book/costs.txt`, and from there in the last column of
//! the tables of stores.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// The files with a table of stores.
const TABLES: [&str; 2] = ["README.md", "book/en/src/stores.md"];

const HEADING: &str = "What one call costs, in microseconds: a value of 300 bytes, one thread, any \
    server on the same core,\nfiles on a disk. The median of 41 turns. Made by:\n\
    taskset -c 1 cargo bench -p benchmarks --bench stores -- record\n\n";

/// What a store costs.
#[derive(Debug, Clone)]
pub struct Cost {
    /// The store, as the tables name it.
    pub label: String,
    /// One `get`.
    pub get: Duration,
    /// One `put`.
    pub put: Duration,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:18} get {:>6}  put {:>6}", self.label, micros(self.get), micros(self.put))
    }
}

/// Two digits that count.
fn micros(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        ..0.995 => format!("{micros:.2}"),
        ..9.95 => format!("{micros:.1}"),
        _ => {
            let step = 10_f64.powf(micros.log10().floor() - 1.0);
            format!("{:.0}", (micros / step).round() * step)
        }
    }
}

/// How long one call takes: the median of 41 turns of some 10 ms each.
pub fn median_of_turns(mut call: impl FnMut()) -> Duration {
    let mut turn = |times: u32| {
        let begun = Instant::now();
        (0..times).for_each(|_| call());
        begun.elapsed() / times
    };
    let once = turn(10).max(Duration::from_nanos(10));
    let times = (10_000_000 / once.as_nanos()).clamp(1, 1_000_000) as u32;
    let mut turns: Vec<Duration> = (0..41).map(|_| turn(times)).collect();
    turns.sort();
    turns[turns.len() / 2]
}

/// Writes the costs where readers see them.
pub fn record(costs: &[Cost]) -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lines: Vec<String> = costs.iter().map(|cost| format!("{cost}\n")).collect();
    fs::write(root.join("book/costs.txt"), HEADING.to_owned() + &lines.concat())?;
    for table in TABLES {
        let page = fs::read_to_string(root.join(table))?;
        fs::write(root.join(table), with_costs(&page, costs))?;
    }
    Ok(())
}

/// The page, with the costs in the last cells of the rows whose first cell names a store.
fn with_costs(page: &str, costs: &[Cost]) -> String {
    let row = |line: &str| {
        let cells = line.strip_prefix('|')?.strip_suffix('|')?;
        let mut cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        let name = cells[0].replace('`', "");
        let cost = costs.iter().find(|cost| cells.len() > 4 && name.ends_with(&cost.label))?;
        let shown = format!("{}, {}", micros(cost.get), micros(cost.put));
        cells.pop();
        cells.push(&shown);
        let cells =
            cells.iter().map(|cell| if cell.is_empty() { " ".into() } else { format!(" {cell} ") });
        Some(format!("|{}|", cells.collect::<Vec<String>>().join("|")))
    };
    let lines = page.lines().map(|line| row(line).unwrap_or_else(|| line.to_owned()) + "\n");
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_count() {
        let shown = |nanos| micros(Duration::from_nanos(nanos));
        assert_eq!(shown(31), "0.03");
        assert_eq!(shown(1_249), "1.2");
        assert_eq!(shown(9_960), "10");
        assert_eq!(shown(21_749), "22");
        assert_eq!(shown(817_000), "820");
    }

    #[test]
    fn a_row_gets_its_cost() {
        let cost = |label: &str| Cost {
            label: label.to_owned(),
            get: Duration::from_micros(2),
            put: Duration::from_micros(10),
        };
        let page =
            "| `file` | a | | c | - |\n| `ext:database`: SQLite | a | b | c | 7, 8 |\ntext\n";
        let changed = "| `file` | a | | c | 2.0, 10 |\n\
                       | `ext:database`: SQLite | a | b | c | 2.0, 10 |\ntext\n";
        assert_eq!(with_costs(page, &[cost("file"), cost("SQLite")]), changed);
    }
}
