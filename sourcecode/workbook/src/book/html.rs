//! Text that becomes HTML.

/// Escapes what has a meaning in HTML, in text and in a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// A caption: plain text in which `backticks` mark code.
pub fn caption(text: &str) -> String {
    let mut html = String::new();
    for (index, part) in text.split('`').enumerate() {
        let part = escape(part);
        if index % 2 == 0 {
            html.push_str(&part);
        } else {
            html.push_str(&format!("<code>{part}</code>"));
        }
    }
    html
}

/// The text of an attribute such as `alt`, on one line.
pub fn attribute(text: &str) -> String {
    escape(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}
