//! A finished page or a drawing, taken apart.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::{Rawtext, ScriptData};
use html5ever::tokenizer::{
    BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// A piece of markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A tag that opens, or stands alone.
    Open(Tag),
    /// A tag that closes.
    Close(String),
    /// What is between tags.
    Text(String),
}

/// A tag that opens, or stands alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute.
    pub fn get(&self, attribute: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| name == attribute);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it has this class.
    pub fn has_class(&self, class: &str) -> bool {
        self.get("class").is_some_and(|classes| classes.split(' ').any(|name| name == class))
    }
}

/// The pieces, in their order.
pub fn pieces(markup: &str) -> Vec<Piece> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(markup));
    let tokenizer = Tokenizer::new(Pieces::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// The tags that open, in their order.
pub fn tags(markup: &str) -> Vec<Tag> {
    let tag = |piece| match piece {
        Piece::Open(tag) => Some(tag),
        Piece::Close(_) | Piece::Text(_) => None,
    };
    pieces(markup).into_iter().filter_map(tag).collect()
}

#[derive(Default)]
struct Pieces(RefCell<Vec<Piece>>);

impl TokenSink for Pieces {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut pieces = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::EndTag => {
                pieces.push(Piece::Close(tag.name.to_string()));
            }
            Token::TagToken(tag) => {
                let name = tag.name.to_string();
                let attribute = |attribute: &html5ever::Attribute| {
                    (attribute.name.local.to_string(), attribute.value.to_string())
                };
                let attributes = tag.attrs.iter().map(attribute).collect();
                let raw = match name.as_str() {
                    "script" => Some(ScriptData),
                    "style" => Some(Rawtext),
                    _ => None,
                };
                pieces.push(Piece::Open(Tag { name, attributes }));
                if let Some(kind) = raw {
                    return TokenSinkResult::RawData(kind);
                }
            }
            Token::CharacterTokens(text) => match pieces.last_mut() {
                Some(Piece::Text(before)) => before.push_str(&text),
                _ => pieces.push(Piece::Text(text.to_string())),
            },
            _ => {}
        }
        TokenSinkResult::Continue
    }
}
