//! [`Parameters`]: the parameters of a URL, after its `?`.

use form_urlencoded::parse;

/// The parameters of a URL that have not been taken yet.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Splits a URL from its parameters.
    pub(super) fn split(url: &str) -> (&str, Parameters) {
        let Some(at) = begin(url) else { return (url, Parameters::default()) };
        // A `+` stands for a space only in forms.
        let query = url[at + 1..].replace('+', "%2B");
        (&url[..at], Parameters(parse(query.as_bytes()).into_owned().collect()))
    }

    /// Takes the parameter of this name. If it occurs several times, the last one counts.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let (taken, left) = self.0.drain(..).partition(|(given, _)| given == name);
        self.0 = left;
        let taken: Vec<_> = taken;
        taken.into_iter().next_back().map(|(_, value)| value)
    }

    /// Returns whether there is a parameter of this name.
    #[cfg(feature = "postgres")]
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(given, _)| given == name)
    }

    /// Returns the name of a parameter that has not been taken.
    #[cfg(feature = "redis")]
    pub(super) fn left_over(&self) -> Option<&str> {
        self.0.first().map(|(name, _)| name.as_str())
    }

    /// Returns the URL with the parameters that have not been taken.
    #[cfg(feature = "postgres")]
    pub(super) fn append_to(&self, url: &str) -> String {
        if self.0.is_empty() {
            return url.to_owned();
        }
        let mut whole = url.to_owned() + "?";
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish();
        whole.push_str(&query.replace('+', "%20"));
        whole
    }
}

/// Finds the `?` before the parameters. A `?` that comes before the path and before an `@` belongs to a
/// password.
fn begin(url: &str) -> Option<usize> {
    let first = url.find('?')?;
    let authority = url.find("://").map_or(0, |at| at + 3);
    if url[authority.min(first)..first].contains(['/', '@']) {
        return Some(first);
    }
    match url[first..].find('@') {
        Some(at) => url[first + at..].find('?').map(|more| first + at + more),
        None => Some(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_taken_from_a_url() {
        let (url, mut all) = Parameters::split("a://u:p@h/d?x=1&y=%2Ftmp%2Fa%20b&x=2&z");
        assert_eq!(url, "a://u:p@h/d");
        assert_eq!(all.take("y").as_deref(), Some("/tmp/a b"));
        assert_eq!(all.take("x").as_deref(), Some("2"));
        assert_eq!((all.take("x"), all.take("none")), (None, None));
        #[cfg(feature = "redis")]
        assert_eq!(all.left_over(), Some("z"));
        assert_eq!(all.take("z").as_deref(), Some(""));
        assert_eq!(Parameters::split("a://h").1.take("x"), None);
        assert_eq!(Parameters::split("a://h?x=a+b").1.take("x").as_deref(), Some("a+b"));
    }

    #[test]
    fn a_password_may_hold_the_mark_that_they_begin_with() {
        for (url, place, x) in [
            ("a://u:p?w@h/d?x=1", "a://u:p?w@h/d", Some("1")),
            ("a://u:p?w@h/d", "a://u:p?w@h/d", None),
            ("u:p?w@h?x=1", "u:p?w@h", Some("1")),
            ("a://h/d?x=/c@d", "a://h/d", Some("/c@d")),
            ("a://u:p@h?x=/c@d", "a://u:p@h", Some("/c@d")),
        ] {
            let (found, mut all) = Parameters::split(url);
            assert_eq!((found, all.take("x").as_deref()), (place, x), "{url}");
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn what_is_left_goes_back() {
        for url in ["postgres://h/d", "postgres://h/d?options=-c%20a%3Db&application_name=x"] {
            let (rest, all) = Parameters::split(url);
            assert_eq!(all.append_to(rest), url);
        }
    }
}
