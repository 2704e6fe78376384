use crate::book::directive::Directive;

#[track_caller]
fn check(text: &str, name: &str, target: &str, attributes: &[(&str, &str)]) {
    let directive = Directive::parse(text).unwrap();
    assert_eq!((directive.name.as_str(), directive.target.as_str()), (name, target));
    for (key, value) in attributes {
        assert_eq!(directive.get(key), Some(*value), "{key}");
    }
}

#[track_caller]
fn check_refused(text: &str, part: &str) {
    let error = Directive::parse(text).unwrap_err();
    assert!(error.contains(part), "`{error}` does not say `{part}`");
}

#[test]
fn reads_the_name_the_target_and_the_attributes() {
    check("{{#output 0_session}}", "output", "0_session", &[]);
    check(
        "{{#listing examples/0_session.rs caption=\"a = b, {c}\" lines=\"1-2\"}}",
        "listing",
        "examples/0_session.rs",
        &[("caption", "a = b, {c}"), ("lines", "1-2")],
    );
    check("{{#glossary}}", "glossary", "", &[]);
    check("{{#output  0_session   lines=\"\" }}", "output", "0_session", &[("lines", "")]);
}

#[test]
fn says_what_it_cannot_read() {
    check_refused("{{#output 0_session", "ends with `}}`");
    check_refused("{{#output}}", "needs what it shows");
    check_refused("{{#glossary terms}}", "found `terms`");
    check_refused("{{#output lines=\"1\"}}", "needs what it shows");
    check_refused("{{#output 0_session lines=1}}", "expected key=\"value\", found `lines=1`");
    check_refused("{{#output 0_session lines=\"1}}", "expected key=\"value\"");
    check_refused("{{#output 0_session lines=\"1\"caption=\"x\"}}", "expected key=\"value\"");
    check_refused("{{#output 0_session lines}}", "found `lines`");
}
