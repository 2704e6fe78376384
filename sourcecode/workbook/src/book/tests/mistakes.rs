//! A page with a mistake fails the build, with its file and line.

use super::Workspace;

#[track_caller]
fn check(page: &str, line: usize, part: &str) {
    let error = Workspace::new().build(page).expect_err("the page has a mistake");
    let place = format!("book/en/src/page.md:{line}: ");
    let found = error.lines().find(|line| line.starts_with(&place));
    let found = found.unwrap_or_else(|| panic!("nothing at {place}\n{error}"));
    assert!(found.contains(part), "`{found}` does not say `{part}`");
}

const TITLE: &str = "# Page {#page}\n\n";

#[track_caller]
fn check_listing(rest: &str, part: &str) {
    check(&format!("{TITLE}{{{{#listing {rest}}}}}\n\n1. One.\n2. Two.\n"), 3, part);
}

#[test]
fn directives() {
    check(&format!("{TITLE}{{{{#include page.md}}}}\n"), 3, "there are `listing`, `output`, ");
    check(&format!("{TITLE}\nText {{{{#output 0_session}}}}\n"), 4, "stands alone");
    check(&format!("{TITLE}{{{{#output 0_session\n\nText\n"), 3, "ends with `}}`");
    check(&format!("{TITLE}{{{{#output 0_session colour=\"red\"}}}}\n"), 3, "`lines`, `caption`");
    check(&format!("{TITLE}{{{{#output 0_session lines=\"1\" lines=\"2\"}}}}\n"), 3, "twice");
}

#[test]
fn listings() {
    check_listing("examples/1_gone.rs caption=\"x\"", "could not read `examples/1_gone.rs`");
    check_listing("../etc/passwd caption=\"x\"", "not a file of `examples/` or `sourcecode/`");
    check_listing("examples/../Cargo.toml caption=\"x\"", "not a file of");
    check_listing("examples/0_session.rs", "needs caption");
    check_listing("examples/0_session.rs caption=\" \"", "needs caption");
    check_listing("examples/0_session.rs caption=\"x\" anchor=\"gone\"", "no `// ANCHOR: gone`");
    check_listing("examples/0_session.rs caption=\"x\" anchor=\"a\" lines=\"1\"", "not both");
    check_listing("examples/0_session.rs caption=\"x\" lines=\"1-99\"", "has 12 lines");
    check_listing("examples/0_session.rs caption=\"x\" lines=\"5-1\"", "not a list of lines");
    check_listing("examples/0_session.rs caption=\"x\" lines=\"0\"", "not a list of lines");
    check_listing("examples/0_session.rs caption=\"x\" lines=\"1,3\"", "has a gap");
    check_listing("examples/0_session.rs caption=\"x\" emphasize=\"2\"", "line 2, which is blank");
    check_listing("examples/0_session.rs caption=\"x\" emphasize=\"99\"", "line 99");
    check_listing("examples/0_session.rs caption=\"x\" emphasize=\"(9)\"", "no callout (9)");
    check_listing("sourcecode/long.rs caption=\"x\"", "shows 31 lines, at most 30");
    check_listing("sourcecode/wide.rs caption=\"x\"", "line 1 has 81 columns, at most 80");
    check_listing("sourcecode/blank.rs caption=\"x\"", "nothing but blank lines");
    for lines in ["1-2", "2-3"] {
        let listing = format!("examples/0_session.rs caption=\"x\" lines=\"{lines}\"");
        check_listing(&listing, "begins or ends with a blank line, which is line 2");
    }
}

#[test]
fn notes() {
    let listing = "{{#listing examples/0_session.rs caption=\"x\"}}\n\n";
    check(&format!("{TITLE}{listing}Text.\n"), 3, "explains []");
    check(&format!("{TITLE}{listing}1. One.\n"), 3, "callouts [1, 2]");
    check(&format!("{TITLE}{listing}1. One.\n3. Three.\n"), 3, "explains [1, 3]");
    let second = "{{#listing examples/0_session.rs caption=\"x\" lines=\"10\"}}";
    check(
        &format!("{TITLE}{second}\n\n2. Two.\n"),
        3,
        "after (0) of `examples/0_session.rs` comes",
    );
}

#[test]
fn outputs() {
    check(&format!("{TITLE}{{{{#output 1_gone}}}}\n"), 3, "`expected-output/1_gone.txt`");
    check(&format!("{TITLE}{{{{#output ../0_session}}}}\n"), 3, "not the name of a program");
    check(&format!("{TITLE}{{{{#output 0_session lines=\"9\"}}}}\n"), 3, "has 5 lines");
    check(&format!("{TITLE}{{{{#output 0_session lines=\"3\"}}}}\n"), 3, "shows nothing");
    let twice = "{{#output 0_session}}\n\n{{#output 0_session}}\n";
    check(&format!("{TITLE}{twice}"), 5, "0_session.txt` twice");
}

#[test]
fn pictures() {
    let rest = "caption=\"x\" alt=\"y\"";
    check(&format!("{TITLE}{{{{#figure gone.svg {rest}}}}}\n"), 3, "`book/figures/gone.svg`");
    check(&format!("{TITLE}{{{{#figure a/b.svg {rest}}}}}\n"), 3, "not the name of a file");
    check(&format!("{TITLE}{{{{#figure dot.svg caption=\"x\"}}}}\n"), 3, "needs alt");
    check(&format!("{TITLE}![text](dot.svg)\n"), 3, "is shown by `{{#figure …}}`");
}

#[test]
fn blocks_of_code() {
    check(&format!("{TITLE}```rust\nlet a;\n"), 3, "is not closed by");
}

#[test]
fn headings_and_links() {
    check("# Page\n", 1, "needs its id");
    check(&format!("{TITLE}## Again {{#page}}\n"), 3, "used twice");
    check(&format!("{TITLE}[a](gone.md)\n"), 3, "no page `gone.md`");
    check(&format!("{TITLE}Text\n[a](page.md#gone)\n"), 4, "no heading or figure `gone`");
    check(&format!("{TITLE}[a](#gone)\n"), 3, "no heading or figure `gone`");
}

#[test]
fn files_to_take_along() {
    let (workspace, page) = (Workspace::new(), format!("{TITLE}[a](python/a.py)\n"));
    let error = workspace.build(&page).unwrap_err();
    assert!(error.contains("no page `python/a.py`"), "{error}");
    workspace.write("book/python/a.py", "a = 1\n");
    workspace.build(&page).unwrap();
}

#[test]
fn all_of_them_at_once() {
    let error = Workspace::new().build("# Page\n\n{{#a b}}\n\n[c](d.md)\n").unwrap_err();
    assert_eq!(error.lines().filter(|line| line.contains("page.md:")).count(), 3, "{error}");
}

#[test]
fn a_page_that_is_not_in_the_contents() {
    let workspace = Workspace::new();
    workspace.write("book/en/src/extra.md", "# Extra {#extra}\n");
    let error = workspace.build(TITLE).unwrap_err();
    assert!(error.contains("SUMMARY.md:1: the page `extra.md` is not in the contents"), "{error}");
}

#[test]
fn html_that_is_not_closed() {
    let error = Workspace::new().build(&format!("{TITLE}<details>\n\nText\n")).unwrap_err();
    assert!(error.contains("unclosed HTML tag `<details>`"), "{error}");
}

#[test]
fn a_mistake_leaves_the_pages_that_were_there() {
    let workspace = Workspace::new();
    workspace.build("# Page {#page}\n\nThe old text.\n").unwrap();
    workspace.build("# Page\n").unwrap_err();
    let page = workspace.root().join("book/en/build/page.html");
    assert!(std::fs::read_to_string(page).unwrap().contains("The old text."));
    workspace.build("# Page {#page}\n\nThe new text.\n").unwrap();
}
