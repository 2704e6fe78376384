//! Text can be read in both themes: a contrast of 4.5 at least, as WCAG defines it.

use std::collections::HashMap;
use std::fs;

use super::real_root;

/// What is written on which ground.
const PAIRS: [(&str, &[&str]); 7] = [
    ("bg", &["fg", "muted", "links", "accent", "failure", "inline-code-color", "icons"]),
    ("code-bg", &["fg", "muted", "inline-code-color", "failure"]),
    ("output-bg", &["fg", "muted", "failure", "inline-code-color"]),
    ("emphasis-bg", &["fg", "muted"]),
    ("box-bg", &["fg", "muted"]),
    ("badge-bg", &["badge-fg"]),
    ("sidebar-bg", &["sidebar-fg", "sidebar-active", "sidebar-non-existant"]),
];

fn palettes() -> Vec<HashMap<String, String>> {
    let css = fs::read_to_string(real_root().join("book/theme/css/variables.css")).unwrap();
    let colour = |line: &str| {
        let (name, value) = line.trim().strip_prefix("--")?.split_once(": ")?;
        let value = value.strip_suffix(';')?.strip_prefix('#')?;
        Some((name.to_owned(), value.to_owned()))
    };
    let blocks = css.split('}').map(|block| block.lines().filter_map(colour).collect());
    blocks.filter(|palette: &HashMap<_, _>| !palette.is_empty()).collect()
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

#[test]
fn every_text_can_be_read() {
    assert!((contrast("000000", "ffffff") - 21.0).abs() < 0.001);
    let palettes = palettes();
    assert_eq!(palettes.len(), 3, "light, dark and paper");
    for palette in palettes {
        let codes: Vec<&str> =
            palette.keys().map(String::as_str).filter(|name| name.starts_with("code-")).collect();
        let grounds = PAIRS
            .iter()
            .copied()
            .chain([("code-bg", codes.as_slice()), ("emphasis-bg", codes.as_slice())]);
        for (ground, texts) in grounds {
            for text in texts.iter().filter(|text| **text != "code-bg") {
                // Paper takes from the screen's palette what it does not set.
                let Some((back, front)) = palette.get(ground).zip(palette.get(*text)) else {
                    continue;
                };
                let found = contrast(back, front);
                assert!(found >= 4.5, "{text} {front} on {ground} {back}: {found:.2}");
            }
        }
    }
}
