//! Shows a comparison.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{Comparison, Kind, Mark};

/// What the signs mean, before the first difference.
const LEGEND: &str = "- expected, + printed now; ‹…› stands for what differs at every run";

impl Comparison {
    /// The differences as plain text; nothing if there are none.
    #[must_use]
    pub fn plain(&self) -> String {
        self.render(|_, _| Style::new())
    }

    /// The differences with colours for a terminal: what was renamed is faint, what changed within
    /// a line stands out.
    pub fn coloured(&self) -> String {
        self.render(style)
    }

    fn render(&self, style: impl Fn(Kind, Mark) -> Style) -> String {
        let mut text = String::new();
        if !self.is_same() {
            text = format!("{LEGEND}\n");
        }
        for (index, hunk) in self.hunks().iter().enumerate() {
            if index > 0 {
                text.push_str("  …\n");
            }
            for line in hunk {
                let sign = match line.kind {
                    Kind::Same => ' ',
                    Kind::Recorded => '-',
                    Kind::Actual => '+',
                };
                // Writing to a string cannot fail.
                let whole = style(line.kind, Mark::None);
                let _ = write!(text, "{whole}{sign} {whole:#}");
                for span in &line.spans {
                    let style = style(line.kind, span.mark);
                    let _ = write!(text, "{style}{}{style:#}", span.text);
                }
                text.push('\n');
            }
        }
        text
    }
}

fn style(kind: Kind, mark: Mark) -> Style {
    let line = match kind {
        Kind::Same => Style::new(),
        Kind::Recorded => AnsiColor::Red.on_default(),
        Kind::Actual => AnsiColor::Green.on_default(),
    };
    match mark {
        Mark::None => line,
        Mark::Renamed => AnsiColor::Cyan.on_default().dimmed(),
        Mark::Changed => line.bold().underline(),
    }
}
