//! What visitors of a program do, read from a text.

use crate::{Error, ErrorKind, Result};

/// Who asks for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) visitor: String,
    pub(super) path: String,
    /// The fields of a form, as they are sent. `None` asks for a page.
    pub(super) form: Option<String>,
}

/// Reads the steps, one a line. A line that begins with `#` says why. The first one is `GET /`, with which the
/// visitor waits until the program serves.
pub(super) fn read(walk: &str) -> Result<Vec<Step>> {
    let lines = walk.lines().map(str::trim).zip(1..);
    let lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let steps = lines.map(|(line, number)| step(line).ok_or_else(|| wrong(line, number)));
    let steps: Vec<Step> = steps.collect::<Result<_>>()?;
    match steps.first() {
        Some(Step { path, form: None, .. }) if path == "/" => Ok(steps),
        _ => Err(Error::new(ErrorKind::Usage, "the first step of visitors must be `A GET /`")),
    }
}

fn step(line: &str) -> Option<Step> {
    let mut words = line.split_whitespace();
    let (visitor, method, path) = (words.next()?, words.next()?, words.next()?);
    let form = match (method, words.next(), words.next()) {
        ("GET", None, None) => None,
        ("POST", fields, None) => Some(fields.unwrap_or_default().to_owned()),
        _ => return None,
    };
    let is_path = path.starts_with('/');
    is_path.then(|| Step { visitor: visitor.to_owned(), path: path.to_owned(), form })
}

fn wrong(line: &str, number: usize) -> Error {
    let what = format!(
        "line {number} of what visitors do is `{line}`; write `A GET /path` or `A POST /path name=value&other=value`"
    );
    Error::new(ErrorKind::Usage, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_who_does_what() {
        let steps =
            read("# why\nA GET /\n\nB POST /basket article=1&count=2\nA POST /logout\n").unwrap();
        let of = |step: &Step| format!("{} {} {:?}", step.visitor, step.path, step.form);
        let all: Vec<String> = steps.iter().map(of).collect();
        let basket = r#"B /basket Some("article=1&count=2")"#;
        assert_eq!(all, ["A / None", basket, r#"A /logout Some("")"#]);
    }

    #[test]
    fn says_which_line_is_wrong() {
        for wrong in ["A", "A GET", "A GET basket", "A PUT /x", "A GET /x a=1", "A POST /x a=1 b=2"]
        {
            let error = read(&format!("A GET /\n{wrong}\n")).unwrap_err().to_string();
            assert!(error.contains(&format!("line 2 of what visitors do is `{wrong}`")), "{error}");
        }
        for walk in ["", "# nothing", "A GET /basket", "A POST /"] {
            assert!(read(walk).unwrap_err().to_string().contains("the first step"), "{walk}");
        }
    }
}
