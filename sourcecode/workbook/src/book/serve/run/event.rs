//! What a page is told of a program: a line of JSON each.

use programs::comparison::{Comparison, Kind, Mark};
use programs::process::End;
use serde::Serialize;

use crate::exercise::Advice;

/// What happened.
#[derive(Debug, Serialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum Event {
    /// Cargo compiles it.
    Building,
    /// It runs.
    Running {
        /// How it is run by hand.
        command: String,
    },
    /// It serves a page of this machine.
    Serving {
        /// The page's port.
        port: u16,
    },
    /// It printed this.
    Printed {
        /// What it printed.
        text: String,
    },
    /// It was not compiled, or could not be run.
    Failed {
        /// What was said.
        text: String,
        /// What to do, in both languages.
        advice: Vec<Said>,
    },
    /// It ended.
    Ended {
        /// In words, if not with an exit status.
        how: Option<String>,
        /// The exit status.
        status: Option<i32>,
        /// Whether it printed what is recorded; nothing, if that was not compared.
        same: Option<bool>,
        /// Whether it is an exercise that still is as the reader got it.
        unbegun: bool,
        /// Where it did not.
        difference: Vec<Line>,
        /// What to do, in both languages.
        advice: Vec<Said>,
    },
}

impl Event {
    /// The end, what was the same, where something was not, and what to do about it.
    pub fn ended(
        end: End,
        same: Option<bool>,
        difference: Vec<Line>,
        advice: Vec<Advice>,
    ) -> Event {
        let (how, status) = match end {
            End::Exited(status) => (None, Some(status)),
            end => (Some(end.to_string()), None),
        };
        let advice = advice.into_iter().map(Into::into).collect();
        Event::Ended { how, status, same, unbegun: false, difference, advice }
    }

    /// The end of an exercise that nobody has begun: what it lacks is the answer, and not some line.
    pub fn not_begun(end: End) -> Event {
        match Event::ended(end, Some(false), Vec::new(), Vec::new()) {
            Event::Ended { how, status, same, difference, advice, .. } => {
                Event::Ended { how, status, same, unbegun: true, difference, advice }
            }
            other => other,
        }
    }
}

/// A text in both languages.
#[derive(Debug, Serialize)]
pub struct Said {
    en: String,
    ru: String,
}

impl From<Advice> for Said {
    fn from(advice: Advice) -> Said {
        Said { en: advice.text("en").to_owned(), ru: advice.text("ru").to_owned() }
    }
}

/// A line of a difference.
#[derive(Debug, Serialize)]
pub struct Line {
    /// ` `, `-` or `+`.
    sign: char,
    spans: Vec<Span>,
}

#[derive(Debug, Serialize)]
struct Span {
    text: String,
    mark: &'static str,
}

/// The lines of a comparison.
pub fn lines(comparison: &Comparison) -> Vec<Line> {
    let line = |line: &programs::comparison::Line| Line {
        sign: match line.kind {
            Kind::Same => ' ',
            Kind::Recorded => '-',
            Kind::Actual => '+',
        },
        spans: line.spans.iter().map(span).collect(),
    };
    comparison.hunks().iter().flatten().map(line).collect()
}

fn span(span: &programs::comparison::Span) -> Span {
    let mark = match span.mark {
        Mark::None => "",
        Mark::Renamed => "renamed",
        Mark::Changed => "changed",
    };
    Span { text: span.text.clone(), mark }
}
