//! `{{#figure onion.svg caption="…" alt="…"}}`: a picture from `book/figures/`.
//!
//! It becomes a part of the page: so a drawing takes the colours of the theme, and a page opened
//! from a disk, or built by the plain `mdbook`, has its pictures too. The words in a drawing are
//! English; where there are any, another edition has a drawing of its own, such as
//! `book/figures/ru/onion.svg`. A `.txt` is what a benchmark measured, and is drawn here.

use std::fs;
use std::path::Path;

use data_encoding::BASE64;

use super::directive::Directive;
use super::edition::Edition;
use super::html::{attribute, caption};
use super::plot;

/// A picture with its caption, and with words for those who do not see it.
#[derive(Debug)]
pub struct Figure {
    /// The place on the page, such as `figure-onion`.
    pub id: String,
    /// The file that is shown, relative to the workspace.
    pub file: String,
    caption: String,
    picture: String,
}

impl Figure {
    /// Reads the picture that the directive names.
    pub fn read(root: &Path, edition: &Edition, directive: &Directive) -> Result<Figure, String> {
        directive.allow(&["caption", "alt"])?;
        let (caption, alt) = (directive.need("caption")?, directive.need("alt")?);
        let name = &directive.target;
        if name.contains(['/', '\\']) {
            return Err(format!("`{name}` is not the name of a file in `book/figures/`"));
        }
        let id = format!("figure-{}", name.rsplit_once('.').map_or(name.as_str(), |(id, _)| id));
        if name.ends_with(".txt") {
            let (file, drawing) = (format!("book/{name}"), plot::draw(root, name, edition)?);
            let picture = svg(&file, drawing.into_bytes(), alt)?;
            return Ok(Figure { id, file, caption: caption.to_owned(), picture });
        }
        let mut file = format!("book/figures/{name}");
        let mut bytes = read(root, &file)?;
        let picture = match name.rsplit_once('.') {
            Some((_, "svg")) => {
                if has_words(&bytes) {
                    (file, bytes) = translated(root, edition, name, file, bytes)?;
                }
                svg(&file, bytes, alt)?
            }
            Some((_, "png")) => png(&file, &bytes, alt)?,
            _ => {
                return Err(format!(
                    "`{name}` is neither .svg nor .png, nor a .txt that a benchmark wrote"
                ));
            }
        };
        Ok(Figure { id, file, caption: caption.to_owned(), picture })
    }

    /// The figure. It holds no blank line, at which a block of HTML in Markdown would end.
    pub fn html(&self, edition: &Edition, number: &str) -> String {
        format!(
            "<figure class=\"picture\" id=\"{}\">\n<div class=\"drawing\">{}</div>\n<figcaption>\
             <span class=\"number\">{} {number}.</span> <span class=\"caption\">{}</span>\
             </figcaption>\n</figure>",
            self.id,
            self.picture,
            edition.figure,
            caption(&self.caption),
        )
    }
}

fn read(root: &Path, file: &str) -> Result<Vec<u8>, String> {
    fs::read(root.join(file)).map_err(|error| format!("could not read `{file}`: {error}"))
}

fn has_words(drawing: &[u8]) -> bool {
    drawing.windows(5).any(|part| part == b"<text")
}

/// The drawing with this edition's words.
fn translated(
    root: &Path,
    edition: &Edition,
    name: &str,
    english: String,
    bytes: Vec<u8>,
) -> Result<(String, Vec<u8>), String> {
    let Some(folder) = edition.figures else { return Ok((english, bytes)) };
    let file = format!("{folder}/{name}");
    let bytes = read(root, &file).map_err(|error| {
        format!(
            "{error}; `{english}` has words, so copy it there and translate what is in its `<text>`"
        )
    })?;
    Ok((file, bytes))
}

/// The drawing itself, named by `alt`.
fn svg(file: &str, bytes: Vec<u8>, alt: &str) -> Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|_| format!("`{file}` is not UTF-8"))?;
    let start = text.find("<svg ").ok_or(format!("`{file}` has no `<svg `"))?;
    let drawing: Vec<&str> =
        text[start + 5..].lines().filter(|line| !line.trim().is_empty()).collect();
    Ok(format!("<svg role=\"img\" aria-label=\"{}\" {}", attribute(alt), drawing.join("\n")))
}

/// A data URL, with the size from the file's header, so that the text does not jump.
fn png(file: &str, bytes: &[u8], alt: &str) -> Result<String, String> {
    let wrong = || format!("`{file}` is not a PNG file");
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Err(wrong());
    }
    let number = |at: usize| {
        let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    let (width, height) = number(16).zip(number(20)).ok_or_else(wrong)?;
    Ok(format!(
        "<img alt=\"{}\" width=\"{width}\" height=\"{height}\" src=\"data:image/png;base64,{}\">",
        attribute(alt),
        BASE64.encode(bytes),
    ))
}
