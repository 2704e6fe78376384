//! `{{#output 0_session lines="1-8"}}`: what a program printed, from `expected-output/`.

use std::fs;
use std::path::Path;

use super::directive::Directive;
use super::edition::Edition;
use super::excerpt;
use super::html::{caption, escape};

/// What a program printed when its output was recorded, or a part of that.
#[derive(Debug)]
pub struct Output {
    /// The place on the page, such as `output-0_session`.
    pub id: String,
    program: String,
    caption: Option<String>,
    command: Option<String>,
    lines: Vec<String>,
    status: Option<String>,
}

impl Output {
    /// Reads the recorded output of the program that the directive names.
    pub fn read(root: &Path, directive: &Directive) -> Result<Output, String> {
        directive.allow(&["lines", "caption"])?;
        let program = directive.target.clone();
        if program.contains(['/', '\\', '.']) {
            return Err(format!("`{program}` is not the name of a program such as `0_session`"));
        }
        let file = format!("expected-output/{program}.txt");
        let text = fs::read_to_string(root.join(&file))
            .map_err(|error| format!("could not read `{file}`: {error}"))?;
        let texts: Vec<&str> = text.lines().collect();
        let mut range = 1..=texts.len();
        let mut id = format!("output-{program}");
        if let Some(wanted) = directive.get("lines") {
            let shown = excerpt::cut(&excerpt::lines(&text), wanted)
                .map_err(|message| format!("`{file}`: {message}"))?;
            range = shown[0].number..=shown[shown.len() - 1].number;
            id = format!("{id}-{wanted}");
        }
        let mut lines: Vec<String> =
            texts[range.start() - 1..*range.end()].iter().map(|line| (*line).to_owned()).collect();
        if lines.iter().all(|line| line.trim().is_empty()) {
            return Err(format!("`{file}` shows nothing"));
        }
        // The recording is headed by the command and ended by the exit status.
        let command = lines[0].strip_prefix("$ ").map(str::to_owned);
        let status = status(&lines[lines.len() - 1]);
        lines.drain(..usize::from(command.is_some()));
        lines.truncate(lines.len() - usize::from(status.is_some()));
        let caption = directive.get("caption").map(str::to_owned);
        Ok(Output { id, program, caption, command, lines, status })
    }

    /// The figure. It holds no blank line, at which a block of HTML in Markdown would end.
    pub fn html(&self, edition: &Edition) -> String {
        let heading = match &self.caption {
            Some(text) => caption(text),
            None => format!("{} {}", edition.output, caption(&format!("`{}`", self.program))),
        };
        let command = self.command.iter().map(|text| line("line command", text));
        let text: String =
            command.chain(self.lines.iter().map(|text| line("line", text))).collect();
        let status = self.status.as_ref().map_or(String::new(), |number| {
            format!("<p class=\"status\">{} {}</p>\n", edition.status, escape(number))
        });
        format!(
            "<figure class=\"output\" id=\"{}\">\n<figcaption>\
             <span class=\"caption\">{heading}</span> \
             <span class=\"file\">expected-output/{}.txt</span></figcaption>\n\
             <pre><code class=\"hljs\" tabindex=\"0\"><span class=\"lines\">{text}</span></code></pre>\n{status}</figure>",
            self.id,
            escape(&self.program),
        )
    }
}

/// A line that is wider than a page, such as a header with a cookie, is broken; a tree or a table
/// is not.
fn line(class: &str, text: &str) -> String {
    let long = if text.chars().count() > excerpt::MOST_COLUMNS { " long" } else { "" };
    format!("<span class=\"{class}{long}\">{}</span>\n", escape(text))
}

fn status(line: &str) -> Option<String> {
    let number = line.strip_prefix("[exit status: ")?.strip_suffix(']')?;
    number.parse::<i32>().ok().map(|number| number.to_string())
}
