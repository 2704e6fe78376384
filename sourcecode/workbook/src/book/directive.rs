//! What a page asks for: `{{#listing examples/0_session.rs caption="Saving" emphasize="7-11"}}`.
//!
//! A directive stands alone at the start of a line and may go on over the next lines, up to `}}`.

/// A directive as it was written, not yet checked against what it may say.
#[derive(Debug, PartialEq, Eq)]
pub struct Directive {
    /// `listing`, `output`, `figure` or `glossary`.
    pub name: String,
    /// The file or the program that it shows; empty for the glossary, since there is one only.
    pub target: String,
    attributes: Vec<(String, String)>,
}

impl Directive {
    /// Reads the text from `{{#` to `}}`.
    pub fn parse(text: &str) -> Result<Directive, String> {
        let inner = text.strip_prefix("{{#").and_then(|rest| rest.strip_suffix("}}"));
        let inner = inner.ok_or("a directive starts with `{{#` and ends with `}}`")?;
        let (name, rest) = word(inner);
        let (target, rest) = if name == "glossary" { ("", rest) } else { word(rest) };
        if name != "glossary" && (target.is_empty() || target.contains(['=', '"'])) {
            return Err(format!("`{{{{#{name}` needs what it shows as its first word"));
        }
        let attributes = attributes(rest)?;
        Ok(Directive { name: name.to_owned(), target: target.to_owned(), attributes })
    }

    /// Fails on an attribute that is not one of `allowed`, and on one that is given twice.
    pub fn allow(&self, allowed: &[&str]) -> Result<(), String> {
        for (index, (key, _)) in self.attributes.iter().enumerate() {
            if !allowed.contains(&key.as_str()) {
                let name = &self.name;
                return Err(match allowed {
                    [] => format!("`{name}` knows no `{key}`: it stands alone"),
                    _ => format!("`{name}` knows no `{key}`; it knows `{}`", allowed.join("`, `")),
                });
            }
            if self.attributes[..index].iter().any(|(earlier, _)| earlier == key) {
                return Err(format!("`{key}` is given twice"));
            }
        }
        Ok(())
    }

    /// The value of an attribute.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The value of an attribute that must be there.
    pub fn need(&self, key: &str) -> Result<&str, String> {
        let missing = || format!("`{}` needs {key}=\"…\"", self.name);
        self.get(key).filter(|value| !value.trim().is_empty()).ok_or_else(missing)
    }
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

fn attributes(mut text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start();
        if text.is_empty() {
            return Ok(found);
        }
        let wrong = || format!("expected key=\"value\", found `{}`", text.trim_end());
        let (key, rest) = text.split_once("=\"").ok_or_else(wrong)?;
        let (value, rest) = rest.split_once('"').ok_or_else(wrong)?;
        let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        if !plain || !(rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            return Err(wrong());
        }
        found.push((key.to_owned(), value.to_owned()));
        text = rest;
    }
}
