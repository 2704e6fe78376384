//! Colours have the contrast that WCAG's level AA asks for, in both themes and on paper: 4.5 for text, 3
//! for what a drawing or a control is made of.

use std::collections::HashMap;
use std::fs;

use super::markup::tags;
use super::real_root;

type Palette = HashMap<String, String>;

/// What is written on which ground.
const TEXTS: [(&str, &[&str]); 9] = [
    ("bg", &["fg", "muted", "links", "accent", "failure", "inline-code-color", "quote-title"]),
    ("code-bg", &["fg", "muted", "inline-code-color", "failure", "code-title"]),
    ("output-bg", &["fg", "muted", "failure", "inline-code-color"]),
    ("emphasis-bg", &["fg", "muted", "links", "inline-code-color"]),
    ("box-bg", &["fg", "muted"]),
    ("box-alternate-bg", &["fg", "muted"]),
    ("badge-bg", &["badge-fg"]),
    ("quote-bg", &["fg", "links", "inline-code-color", "quote-title"]),
    ("table-header-bg", &["fg", "inline-code-color"]),
];

/// What is on the screen alone.
const SCREEN: [(&str, &[&str]); 6] = [
    ("bg", &["icons", "icons-hover", "searchresults-header-fg"]),
    ("sidebar-bg", &["sidebar-fg", "sidebar-active", "sidebar-non-existant"]),
    ("searchbar-bg", &["searchbar-fg"]),
    ("searchresults-li-bg", &["fg", "links"]),
    ("search-mark-bg", &["fg"]),
    ("theme-hover", &["icons-hover", "fg"]),
];

/// Strokes and signs, and the grounds that they are seen against. `links` surrounds what has the focus.
const GRAPHICS: [(&str, &[&str]); 2] = [
    ("bg", &["accent", "emphasis-edge", "output-edge", "muted", "fg", "links", "badge-bg"]),
    ("code-bg", &["accent", "emphasis-edge", "muted", "fg", "badge-bg"]),
];

/// Light, dark, and paper, which takes from the dark one what it does not set.
fn palettes() -> [Palette; 3] {
    let css = fs::read_to_string(real_root().join("book/theme/css/variables.css")).unwrap();
    let colour = |line: &str| {
        let (name, value) = line.trim().strip_prefix("--")?.split_once(": ")?;
        let value = value.strip_suffix(';')?.strip_prefix('#')?;
        Some((name.to_owned(), value.to_owned()))
    };
    let blocks = css.split('}').map(|block| block.lines().filter_map(colour).collect());
    let palettes: Vec<Palette> = blocks.filter(|palette: &Palette| !palette.is_empty()).collect();
    let [light, dark, paper] = palettes.try_into().expect("light, dark and paper");
    let paper = dark.clone().into_iter().chain(paper).collect();
    [light, dark, paper]
}

fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The pairs of colours that are too close to each other. The names `quote-title` and `code-title` stand
/// for all titles of quotes and all colours of code.
fn faint(palette: &Palette, pairs: &[(&str, &[&str])], least: f64) -> Vec<String> {
    let mut found = Vec::new();
    for (ground, names) in pairs {
        for name in *names {
            let all: Vec<&String> = match *name {
                "quote-title" => starting(palette, "blockquote-"),
                "code-title" => starting(palette, "code-"),
                name => vec![palette.get_key_value(name).expect(name).0],
            };
            for name in all.into_iter().filter(|name| name.as_str() != "code-bg") {
                let (back, front) = (&palette[*ground], &palette[name]);
                let contrast = contrast(back, front);
                if contrast < least {
                    found.push(format!("{name} {front} on {ground} {back}: {contrast:.2}"));
                }
            }
        }
    }
    found
}

fn starting<'a>(palette: &'a Palette, start: &str) -> Vec<&'a String> {
    palette.keys().filter(|name| name.starts_with(start)).collect()
}

#[test]
fn every_text_can_be_read() {
    let palettes = palettes();
    for (name, palette) in ["light", "dark", "paper"].into_iter().zip(&palettes) {
        assert_eq!(faint(palette, &TEXTS, 4.5), Vec::<String>::new(), "{name}");
    }
    for palette in &palettes[..2] {
        assert_eq!(faint(palette, &SCREEN, 4.5), Vec::<String>::new());
    }
}

#[test]
fn every_stroke_can_be_seen() {
    for (name, palette) in ["light", "dark", "paper"].into_iter().zip(palettes()) {
        assert_eq!(faint(&palette, &GRAPHICS, 3.0), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn drawings_take_all_their_colours_from_the_theme() {
    const CLASSES: [&str; 5] = ["box", "other", "plain", "arrow", "head"];
    let root = real_root();
    for folder in ["book/figures", "book/figures/ru"] {
        for entry in root.join(folder).read_dir().into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "svg") {
                continue;
            }
            for tag in tags(&fs::read_to_string(&path).unwrap()) {
                // Text takes them by its name.
                let known = ["svg", "g", "title", "desc", "text", "tspan"].contains(&&*tag.name);
                let themed = known || CLASSES.iter().any(|class| tag.has_class(class));
                assert!(themed, "{}: <{}> has none of {CLASSES:?}", path.display(), tag.name);
            }
        }
    }
}

#[test]
fn contrasts_are_as_defined() {
    assert!((contrast("000000", "ffffff") - 21.0).abs() < 0.001);
    assert!((contrast("777777", "ffffff") - 4.48).abs() < 0.005);
    let palette = |muted: &str| {
        HashMap::from([("bg".into(), "ffffff".into()), ("muted".into(), muted.to_owned())])
    };
    let faint = |muted| faint(&palette(muted), &[("bg", &["muted"])], 4.5).len();
    assert_eq!((faint("777777"), faint("767676")), (1, 0));
}
