//! What somebody may have meant who wrote something else.

/// The known name that differs least from this one, if it differs little.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let most = (name.chars().count() / 3).clamp(1, 3);
    let measured = known.into_iter().map(|known| (distance(&name, known), known));
    measured.min().filter(|(distance, _)| *distance <= most).map(|(_, known)| known)
}

/// How many letters to put in, leave out, replace or swap.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    strsim::osa_distance(one, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, found: Option<&str>) {
        let known = ["timeout", "type", "secret", "secure", "url", "urls", "save_accessed_time"];
        assert_eq!(nearest(name, known), found);
    }

    #[test]
    fn what_differs_little_is_found() {
        check("tiemout", Some("timeout"));
        check("Timeout", Some("timeout"));
        check("tpye", Some("type"));
        check("secert", Some("secret"));
        check("save_access_time", Some("save_accessed_time"));
        check("uri", Some("url"));
        check("colour", None);
        check("", None);
    }
}
