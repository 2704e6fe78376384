//! As much of HTML as it takes to read the pages of our own programs.

/// The hidden fields of the first form that is sent there: names and values.
pub(super) fn hidden_fields(page: &str, path: &str) -> Vec<(String, String)> {
    let action = format!("action=\"{path}\"");
    let Some(form) = page.split("<form").find(|form| form.contains(&action)) else {
        return Vec::new();
    };
    let form = form.split("</form>").next().unwrap_or_default();
    let fields = form.split("<input").skip(1).filter_map(|field| {
        let field = field.split('>').next()?;
        let value = |name: &str| {
            let after = field.split_once(&format!("{name}=\""))?.1;
            after.split_once('"').map(|(value, _)| value.to_owned())
        };
        (value("type")? == "hidden").then(|| Some((value("name")?, value("value")?)))?
    });
    fields.collect()
}

/// The text of the main part of a page, a line for each part of it that is a block; another text as it is.
pub(super) fn text(page: &str) -> String {
    let Some((_, main)) = page.split_once("<main>") else { return page.to_owned() };
    let main = main.split("</main>").next().unwrap_or_default();
    let mut lines = vec![String::new()];
    let mut is_tag = false;
    for piece in main.split_inclusive(['<', '>']) {
        let inside = piece.trim_end_matches(['<', '>']);
        let (text, tag) = if is_tag { ("", inside) } else { (inside, "") };
        is_tag = piece.ends_with('<');
        let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default();
        match name {
            "td" | "th" | "input" | "label" | "a" | "" => {}
            "button" if !tag.starts_with('/') => add(&mut lines, "["),
            "button" => close(&mut lines),
            _ => lines.push(String::new()),
        }
        for word in text.split_whitespace() {
            add(&mut lines, &unescaped(word));
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn add(lines: &mut [String], word: &str) {
    let Some(line) = lines.last_mut() else { return };
    if !line.is_empty() && !line.ends_with('[') {
        line.push(' ');
    }
    line.push_str(word);
}

fn close(lines: &mut [String]) {
    if let Some(line) = lines.last_mut() {
        line.push(']');
    }
}

fn unescaped(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&amp;", "&")];
    named.into_iter().fold(text.to_owned(), |text, (name, char)| text.replace(name, char))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<nav>Shop</nav><main>
<h1>Basket</h1>
<table><tr><td>Green tea</td><td>1</td></tr></table>
<form method="post" action="/a"><input type="hidden" name="n" value="1"></form>
<form method="post" action="/b"><input type="hidden" name="t" value="x-_"><input name="shown" value="2"><button>One less</button></form>
<p>Tea &amp; more</p></main>"#;

    #[test]
    fn reads_what_a_form_hides() {
        assert_eq!(hidden_fields(PAGE, "/b"), [("t".to_owned(), "x-_".to_owned())]);
        assert_eq!(hidden_fields(PAGE, "/c"), []);
        assert_eq!(hidden_fields("<form action=\"/b\"><input type=\"hidden", "/b"), []);
    }

    #[test]
    fn reads_what_a_visitor_sees() {
        assert_eq!(text(PAGE), "Basket\nGreen tea 1\n[One less]\nTea & more");
        assert_eq!(text("plain <b>"), "plain <b>");
        assert_eq!(text("<main><"), "");
        assert_eq!(text("<main>a<b"), "a");
    }
}
