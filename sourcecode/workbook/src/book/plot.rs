//! `{{#figure costs.txt caption="…" alt="…"}}`: what a benchmark measured, as bars. It is drawn anew with each
//! build from the file that the benchmark writes, so that a picture says what was measured.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::edition::Edition;
use super::html::escape;

/// Where the bars begin, and how many pixels a tenfold takes, from [`LEAST`] on.
const LEFT: f64 = 150.0;
const DECADE: f64 = 88.0;
const LEAST: f64 = 0.01;
const DECADES: i32 = 5;

const BAR: f64 = 16.0;
const ROW: f64 = 46.0;
const TOP: f64 = 44.0;

/// One thing that was measured: what, and how long its two operations take, in microseconds.
struct Row<'a> {
    what: &'a str,
    times: [(&'a str, &'a str, f64); 2],
}

/// The drawing of a file of `book/`.
pub fn draw(root: &Path, file: &str, edition: &Edition) -> Result<String, String> {
    let text = fs::read_to_string(root.join("book").join(file))
        .map_err(|error| format!("could not read `book/{file}`: {error}"))?;
    let rows: Vec<Row<'_>> = text.lines().filter_map(row).collect();
    if rows.is_empty() {
        return Err(format!("`book/{file}` has no line such as `memory  get 0.03  put 0.09`"));
    }
    let height = TOP + ROW * rows.len() as f64;
    let width = LEFT + DECADE * f64::from(DECADES) + 50.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"14\" stroke-width=\"1\">\n"
    );
    // Writing to a string cannot fail.
    for power in 0..=DECADES {
        let (at, time) = (LEFT + DECADE * f64::from(power), LEAST * 10_f64.powi(power));
        let _ = writeln!(
            svg,
            "<path class=\"arrow\" d=\"M{at} 30 V{height}\" stroke=\"#59636e\" stroke-dasharray=\"2 5\"/>\
             <text class=\"muted\" x=\"{at}\" y=\"20\" text-anchor=\"middle\" fill=\"#59636e\">{}</text>",
            number(&format!("{time}"), edition) + edition.microseconds,
        );
    }
    for (place, row) in rows.iter().enumerate() {
        let top = TOP + ROW * place as f64;
        let middle = top + BAR + 5.0;
        let what = escape(row.what);
        let _ = writeln!(svg, "<text class=\"code\" x=\"8\" y=\"{middle}\">{what}</text>");
        for (line, (operation, shown, time)) in row.times.iter().enumerate() {
            let (y, class) = (top + BAR * line as f64, ["box", "other"][line]);
            let (fill, stroke) = [("#e3efee", "#0b6a6f"), ("#fbefc9", "#b78515")][line];
            let length = (DECADE * (time / LEAST).log10()).max(1.0);
            let _ = writeln!(
                svg,
                "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{length:.0}\" height=\"{BAR}\" \
                 fill=\"{fill}\" stroke=\"{stroke}\"/>\
                 <text class=\"code\" x=\"{:.0}\" y=\"{}\" font-size=\"12\">{operation} {}</text>",
                LEFT + length + 6.0,
                y + 12.5,
                number(shown, edition),
            );
        }
    }
    Ok(svg + "</svg>\n")
}

/// `memory             get   0.03  put   0.09`
fn row(line: &str) -> Option<Row<'_>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [what, first, a, second, b] = words[..] else { return None };
    let times = [(first, a, a.parse().ok()?), (second, b, b.parse().ok()?)];
    times.iter().all(|(_, _, time)| *time >= LEAST).then_some(Row { what, times })
}

fn number(text: &str, edition: &Edition) -> String {
    text.replace('.', edition.point)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::edition::EDITIONS;

    fn drawn(text: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("book")).unwrap();
        fs::write(folder.path().join("book/costs.txt"), text).unwrap();
        draw(folder.path(), "costs.txt", &EDITIONS[1])
    }

    #[test]
    fn a_bar_is_as_long_as_its_time_has_digits() {
        let svg = drawn("What it costs.\n\nmemory get 0.1 put 10\n").unwrap();
        assert!(svg.contains("width=\"88\"") && svg.contains("width=\"264\""), "{svg}");
        assert!(svg.contains(">get 0,1</text>") && svg.contains(">memory</text>"), "{svg}");
        assert_eq!(svg.matches("<rect").count(), 2);
    }

    #[test]
    fn a_file_without_numbers_is_refused() {
        assert!(
            drawn("nothing\nmemory get x put 1\n").unwrap_err().contains("has no line such as")
        );
        assert!(
            draw(Path::new("/nowhere"), "gone.txt", &EDITIONS[0]).unwrap_err().contains("gone.txt")
        );
    }
}
