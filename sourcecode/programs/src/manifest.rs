//! The features that a program needs, read from the root `Cargo.toml`.
//!
//! By hand: a full TOML parser would be the largest part of what the first program compiles, and
//! all that is read is `name` and `required-features` below `[[example]]`. What is understood is
//! what cargo and rustfmt write: one key a line, lists of plain strings, over several lines or one.

use std::collections::BTreeMap;

/// The required features of every example that is listed.
pub(crate) fn required_features(manifest: &str) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    let mut lines = manifest.lines().map(without_comment);
    let mut in_example = false;
    let mut example = (String::new(), Vec::new());
    while let Some(line) = lines.next() {
        if line.starts_with('[') {
            finish(&mut all, std::mem::take(&mut example));
            in_example = line == "[[example]]";
        }
        let Some((key, value)) = line.split_once('=').filter(|_| in_example) else { continue };
        let mut value = value.trim().to_owned();
        while value.starts_with('[') && !value.ends_with(']') {
            let Some(more) = lines.next() else { break };
            value.push_str(more);
        }
        match key.trim() {
            "name" => example.0 = strings(&value).into_iter().next().unwrap_or_default(),
            "required-features" => example.1 = strings(&value),
            _ => {}
        }
    }
    finish(&mut all, example);
    all
}

fn finish(all: &mut BTreeMap<String, Vec<String>>, (name, features): (String, Vec<String>)) {
    if !name.is_empty() {
        all.insert(name, features);
    }
}

fn without_comment(line: &str) -> &str {
    // No name of an example or a feature holds a `#`.
    line.split('#').next().unwrap_or_default().trim()
}

/// Everything between quotes.
fn strings(value: &str) -> Vec<String> {
    value.split(['"', '\'']).skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::required_features;

    #[test]
    fn reads_what_is_listed() {
        let check = |manifest: &str, expected: &str| {
            assert_eq!(format!("{:?}", required_features(manifest)), expected, "{manifest}");
        };
        check("", "{}");
        check("[package]\nname = \"x\"\nrequired-features = [\"y\"]", "{}");
        check("[[example]]\nname = \"0_a\"", r#"{"0_a": []}"#);
        check(
            "[[example]]\nname = \"4_a\" # the fourth\nrequired-features = ['m', \"t\"]\n\n\
             [[example]]\nrequired-features = [\n    \"m\", # why\n    \"n\",\n]\nname = \"5_b\"\n\
             [[test]]\nname = \"golden\"\nrequired-features = [\"z\"]",
            r#"{"4_a": ["m", "t"], "5_b": ["m", "n"]}"#,
        );
        check("[[example]]\nname = \"0_a\"\nrequired-features = [\"m\"", r#"{"0_a": ["m"]}"#);
    }
}
