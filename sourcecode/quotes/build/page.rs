//! The Rust that a page quotes: its blocks, and in its text what calls or declares something.

use syn::parse::Parser;
use syn::visit::{self, Visit};
use syn::{Block, ExprCall, ExprMethodCall, ExprTry, ItemUse, Local, Macro, Meta, Stmt};

/// A block, or a piece of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    /// Where its first line of code is.
    pub line: usize,
    pub text: String,
    pub block: bool,
}

impl Quote {
    /// What a context calls it by.
    pub fn first_line(&self) -> &str {
        self.text.lines().next().unwrap_or_default().trim()
    }
}

/// Every block of Rust, and every piece of code in the text, in order.
pub fn quotes(markdown: &str) -> Vec<Quote> {
    let (mut quotes, mut text, mut start) = (Vec::new(), String::new(), 1);
    let mut lines = markdown.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else {
            text += line;
            text.push('\n');
            continue;
        };
        pieces(&text, start, &mut quotes);
        text.clear();
        let indent = line.len() - line.trim_start().len();
        let mut block = String::new();
        for (line, number) in lines.by_ref() {
            start = number + 1;
            if line.trim() == "```" {
                break;
            }
            block += line.get(indent..).unwrap_or_default();
            block.push('\n');
        }
        if language.starts_with("rust") {
            quotes.push(Quote { line: number + 1, text: block, block: true });
        }
    }
    pieces(&text, start, &mut quotes);
    quotes
}

/// The pieces of code in a text that begins at a line. A piece may go on over the end of a line.
fn pieces(text: &str, start: usize, quotes: &mut Vec<Quote>) {
    let mut at = 0;
    while let Some(length) = text[at..].find('`') {
        let open = at + length;
        let ticks = text[open..].chars().take_while(|it| *it == '`').count();
        let code = open + ticks;
        let paragraph = text[code..].find("\n\n").map_or(text.len(), |length| code + length);
        let Some(length) = text[code..paragraph].find(&"`".repeat(ticks)) else {
            at = code;
            continue;
        };
        let piece: Vec<&str> = text[code..code + length].split_whitespace().collect();
        let line = start + text[..code].matches('\n').count();
        quotes.push(Quote { line, text: piece.join(" "), block: false });
        at = code + length + ticks;
    }
}

/// Whether a piece is Rust that can be compiled: a statement, an expression or an attribute that calls or
/// declares something. A mere name is neither.
pub fn is_rust(piece: &str) -> bool {
    let ends = ["", ";", " fn f() {}"];
    ends.iter().any(|end| {
        let statements = Block::parse_within.parse_str(&format!("{piece}{end}"));
        statements.is_ok_and(|statements| calls(&statements))
    })
}

fn calls(statements: &[Stmt]) -> bool {
    let mut found = Calls(false);
    statements.iter().for_each(|statement| found.visit_stmt(statement));
    found.0
}

struct Calls(bool);

impl Visit<'_> for Calls {
    fn visit_expr_call(&mut self, _: &ExprCall) {
        self.0 = true;
    }
    fn visit_expr_method_call(&mut self, _: &ExprMethodCall) {
        self.0 = true;
    }
    fn visit_expr_try(&mut self, _: &ExprTry) {
        self.0 = true;
    }
    fn visit_macro(&mut self, _: &Macro) {
        self.0 = true;
    }
    fn visit_local(&mut self, _: &Local) {
        self.0 = true;
    }
    fn visit_item_use(&mut self, _: &ItemUse) {
        self.0 = true;
    }
    fn visit_meta(&mut self, it: &Meta) {
        self.0 |= !matches!(it, Meta::Path(_));
        visit::visit_meta(self, it);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(line: usize, text: &str, block: bool) -> Quote {
        Quote { line, text: text.to_owned(), block }
    }

    #[test]
    fn blocks_and_pieces_are_found_where_they_are() {
        let page = "A `b` and `c(\nd)`.\n\n- x:\n\n  ```rust\n  let a = 1;\n\n    b();\n  ```\n\n\
                    ```console\n$ `no`\n```\n``e`f``, a lone `.\n\n`g`\n";
        let expected = [
            quote(1, "b", false),
            quote(1, "c( d)", false),
            quote(7, "let a = 1;\n\n  b();\n", true),
            quote(15, "e`f", false),
            quote(17, "g", false),
        ];
        assert_eq!(quotes(page), expected);
    }

    #[test]
    fn what_calls_or_declares_is_rust() {
        for piece in [
            "session.save()?",
            "ttl(time)",
            "session.set(\"n\", 1)",
            "let a = 1",
            "use beaker::Sessions;",
            "use beaker::Sessions",
            "names?",
            "vec![1]",
            "#[cached(region = SHORT)]",
            "a.b().await",
        ] {
            assert!(is_rust(piece), "{piece}");
        }
    }

    #[test]
    fn what_only_names_something_is_not() {
        for piece in [
            "session",
            "Cache::in_memory",
            "#[cached]",
            "a = b",
            "?",
            "$ cargo run",
            "redis-cli --scan --pattern 'a'",
            "select count(*) from t",
            "Backend::open(…)?",
            "GET / HTTP/1.1",
            "",
        ] {
            assert!(!is_rust(piece), "{piece}");
        }
    }
}
