//! What a listing, an output and a picture become.

use super::Workspace;

#[track_caller]
fn check(directive: &str, expected: &[&str], absent: &[&str]) {
    let page = format!("# Page {{#page}}\n\n{directive}\n");
    let html = Workspace::new().build(&page).unwrap();
    let main = html.split_once("<main>").unwrap().1.split_once("</main>").unwrap().0;
    for part in expected {
        assert!(main.contains(part), "no `{part}` in\n{main}");
    }
    for part in absent {
        assert!(!main.contains(part), "`{part}` in\n{main}");
    }
}

#[test]
fn a_listing_has_a_number_a_caption_line_numbers_and_escaped_text() {
    check(
        "{{#listing examples/0_session.rs caption=\"Saving <three> `drivers`\" emphasize=\"(1),8\"}}\n\n\
         1. The map,\n   of two texts.\n2. The output.",
        &[
            "<figure class=\"listing\" id=\"listing-0_session\" data-program=\"0_session\" data-recorded=\"$ ",
            "<span class=\"number\">Listing 1.1.</span>",
            "Saving &lt;three&gt; <code>drivers</code>",
            "<span class=\"file\">examples/0_session.rs</span>",
            "<span class=\"line\" data-line=\"1\">",
            "<span class=\"line emphasized\" data-line=\"7\">",
            "<span class=\"line emphasized\" data-line=\"8\">",
            "Kimi &amp; &lt;Räikkönen&gt;\"</span>",
            "<span class=\"hljs-keyword\">fn</span> <span class=\"hljs-title\">main</span>",
            "<span class=\"hljs-comment\">//! A program.</span>",
            "href=\"#listing-0_session-note-1\" data-callout=\"1\" aria-label=\"note 1\"",
            "<div class=\"notes\">",
            "<span id=\"listing-0_session-note-2\"></span>The output.",
        ],
        &["// (1)", "ANCHOR", "emphasized\" data-line=\"9\"", "language-rust", "{{"],
    );
}

#[test]
fn a_part_of_a_program_keeps_its_line_numbers() {
    let notes = "\n1. The map.\n2. The output.";
    check(
        &format!("{{{{#listing examples/0_session.rs caption=\"x\" anchor=\"saving\"}}}}\n{notes}"),
        &["id=\"listing-0_session-saving\"", "data-line=\"7\"", "data-line=\"10\""],
        &["data-line=\"6\"", "data-line=\"11\""],
    );
    check(
        "{{#listing examples/0_session.rs caption=\"x\" lines=\"3-5\"}}",
        &["id=\"listing-0_session-3-5\"", "data-line=\"3\"", "data-line=\"5\""],
        &["data-line=\"2\"", "data-line=\"6\"", "class=\"notes\""],
    );
}

#[test]
fn a_directive_may_go_over_several_lines() {
    check(
        "{{#listing examples/0_session.rs\n  caption=\"One\n  caption\"\n  lines=\"1-3\"}}",
        &["One caption"],
        &[],
    );
}

#[test]
fn an_output_has_its_command_and_its_exit_status() {
    check(
        "{{#output 0_session}}",
        &[
            "<figure class=\"output\" id=\"output-0_session\">",
            "Output of <code>0_session</code>",
            "<span class=\"file\">expected-output/0_session.txt</span>",
            "<span class=\"line command\">cargo run --example 0_session</span>",
            "Kimi &amp; &lt;Räikkönen&gt;",
            "<span class=\"line\"></span>\n<span class=\"line\">OK</span>",
            "<p class=\"status\">exit status 1</p>",
        ],
        &["$ cargo", "[exit status"],
    );
    check(
        "{{#output 0_session lines=\"2-4\" caption=\"The map\"}}",
        &["id=\"output-0_session-2-4\"", "<span class=\"caption\">The map</span>"],
        &["class=\"line command\"", "exit status"],
    );
}

#[test]
fn a_picture_is_a_part_of_the_page() {
    check(
        "{{#figure dot.svg caption=\"A dot\" alt=\"One \"}}",
        &[
            "<figure class=\"picture\" id=\"figure-dot\">",
            "<svg role=\"img\" aria-label=\"One\"",
            "<span class=\"number\">Figure 1.1.</span>",
        ],
        &["<img"],
    );
}

#[test]
fn the_other_edition_is_one_link_away() {
    check(
        "Text.",
        &[
            "<nav class=\"edition\"><a lang=\"ru\" hreflang=\"ru\" href=\"../ru/page.html\">Русский</a>",
        ],
        &[],
    );
}

#[test]
fn a_block_of_rust_has_its_colours() {
    check(
        "<details>\n<summary>Answer</summary>\n\n```rust\nlet a = \"<b>\";\n\n# c\n```\n\n</details>",
        &[
            "<pre><code class=\"language-rust hljs\"><span class=\"hljs-keyword\">let</span> a = ",
            "<span class=\"hljs-string\">\"&lt;b&gt;\"</span>;\n\n# c\n</code></pre>",
        ],
        &["```"],
    );
    check("```console\n$ let a\n```", &["<code class=\"language-console\">$ let a\n"], &["hljs"]);
}

#[test]
fn a_file_of_a_program_that_is_a_folder_runs_the_program() {
    let workspace = Workspace::new();
    for file in ["main", "basket", "tests"] {
        workspace.write(&format!("examples/7_shop/{file}.rs"), "fn main() {}\n");
    }
    workspace.write("examples/7_shop/shop.toml", "a = 1\n");
    workspace.write("expected-output/7_shop.txt", "$ cargo run\nTea\n");
    let figure = |files: &[&str], id: &str| {
        let listing =
            |file: &&str| format!("{{{{#listing examples/7_shop/{file} caption=\"A\"}}}}\n\n");
        let listings: String = files.iter().map(listing).collect();
        let page = format!("# Page {{#page}}\n\n{listings}{{{{#output 7_shop lines=\"1\"}}}}\n");
        let html = workspace.build(&page).unwrap();
        let from = html.split_once(&format!("id=\"listing-7_shop-{id}\"")).unwrap().1;
        from.split_once('>').unwrap().0.to_owned()
    };
    let wanted = " data-program=\"7_shop\" data-part=\"\" data-recorded=\"$ cargo run\nTea\n\"";
    assert_eq!(figure(&["basket.rs"], "basket"), wanted);
    // Neither its tests nor its settings are the program.
    let all = ["tests.rs", "shop.toml", "main.rs", "basket.rs"];
    assert_eq!(figure(&all, "main"), wanted);
    // It runs, and its output is there, once on a page.
    for id in ["tests", "shop-toml", "basket"] {
        assert_eq!(figure(&all, id), "", "{id}");
    }
}
