//! HTML becomes XML: every element is closed, every attribute is quoted, and no script is there. Pictures stay
//! where they are, in the page.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::super::downloads;
use super::super::html::escape;

/// Elements without an end.
const VOID: [&str; 6] = ["br", "col", "hr", "img", "input", "wbr"];

/// Elements that belong to the page and not to its text.
const LEFT_OUT: [&str; 4] = ["button", "nav", "script", "style"];

/// The text of a page as XHTML.
pub fn of(html: &str) -> String {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner().text
}

#[derive(Default)]
struct Work {
    text: String,
    /// The element that is being left out, and how many of its kind are open.
    left_out: Option<(String, usize)>,
}

#[derive(Default)]
struct Sink(RefCell<Work>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut work = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) if work.is_text(&tag) => work.tag(&tag),
            Token::CharacterTokens(text) if work.left_out.is_none() => {
                work.text.push_str(&escape(&text));
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Work {
    /// Whether the tag is in the text, and not in what is left out.
    fn is_text(&mut self, tag: &Tag) -> bool {
        let (name, opens) = (tag.name.to_string(), tag.kind == TagKind::StartTag);
        match &mut self.left_out {
            None if LEFT_OUT.contains(&name.as_str()) => {
                self.left_out = opens.then_some((name, 1));
                false
            }
            None => true,
            Some((open, depth)) => {
                if *open == name {
                    *depth = if opens { *depth + 1 } else { *depth - 1 };
                }
                if *depth == 0 {
                    self.left_out = None;
                }
                false
            }
        }
    }

    fn tag(&mut self, tag: &Tag) {
        let name = &*tag.name;
        let void = VOID.contains(&name);
        if tag.kind == TagKind::EndTag {
            if !void {
                self.text.push_str(&format!("</{name}>"));
            }
            return;
        }
        self.text.push_str(&format!("<{name}"));
        let mut callout = None;
        for attribute in &tag.attrs {
            let key = match &*attribute.name.local {
                "tabindex" | "xmlns" => continue,
                // An e-book has pages alone.
                "href" if attribute.value.starts_with(downloads::BEGINNING) => continue,
                "viewbox" => "viewBox",
                other => other,
            };
            let value = match key {
                "href" if !attribute.value.contains("://") => {
                    attribute.value.replacen(".html", ".xhtml", 1)
                }
                _ => attribute.value.to_string(),
            };
            if key == "data-callout" {
                callout = Some(value.clone());
            }
            self.text.push_str(&format!(" {key}=\"{}\"", escape(&value)));
        }
        if name == "svg" {
            self.text.push_str(" xmlns=\"http://www.w3.org/2000/svg\"");
        }
        self.text.push_str(if void || tag.self_closing { "/>" } else { ">" });
        // The page shows it by its style sheet, which a reader may not do.
        self.text.push_str(&callout.unwrap_or_default());
    }
}
