//! The site of a small book.

use std::fs;

use super::{Address, site};
use crate::book::edition::EDITIONS;
use crate::book::tests::Workspace;

const PAGE: &str = "# A `\"page\"` & more {#page}\n\nAfter this page you can:\n\n- read `0 < 1`;\n- write.\n\n\
                    ## Run it {#run}\n\nNot this.\n";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    for edition in &EDITIONS {
        let code = edition.code;
        let file = format!("book/{code}/book.toml");
        let settings = fs::read_to_string(workspace.root().join(&file)).unwrap();
        let book = format!("[book]\ntitle = \"Book <{code}>\"\ndescription = \"In {code}.\"\n");
        workspace.write(&file, &format!("{book}{settings}"));
        workspace.write(&format!("book/cards/{code}.png"), code);
        workspace.write(&format!("book/{code}/src/page.md"), PAGE);
    }
    workspace
}

fn built(workspace: &Workspace, address: Option<&str>) -> impl Fn(&str) -> String + use<> {
    let address: Option<Address> = address.map(|address| address.parse().unwrap());
    let folder = site(workspace.root(), address.as_ref()).unwrap();
    assert_eq!(folder, workspace.root().join("book/build"));
    move |file| fs::read_to_string(folder.join(file)).unwrap_or_default()
}

#[track_caller]
fn check(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "no `{part}` in\n{page}");
    }
}

#[test]
fn the_first_page_offers_all_editions() {
    let workspace = workspace();
    let file = built(&workspace, None);
    let parts = [
        "<title>Book &lt;en&gt;</title>",
        "<a hreflang=\"en\" href=\"en/index.html\">English</a>",
        "<a hreflang=\"ru\" href=\"ru/index.html\">Русский</a>",
        "<strong>Book &lt;ru&gt;</strong>",
        "<p>In ru.</p>",
        "<meta property=\"og:type\" content=\"website\">",
        "<meta property=\"og:image\" content=\"card-en.png\">",
    ];
    check(&file("index.html"), &parts);
    assert_eq!((file("card-en.png"), file("card-ru.png")), ("en".into(), "ru".into()));
    check(&file("en/index.html"), &["<main>"]);
}

#[test]
fn a_page_says_what_others_show_of_it() {
    let workspace = workspace();
    let parts = [
        "<meta property=\"og:type\" content=\"article\">",
        "<meta property=\"og:site_name\" content=\"Book &lt;ru&gt;\">",
        "<meta property=\"og:title\" content=\"A &quot;page&quot; &amp; more\">",
        "<meta property=\"og:description\" content=\"After this page you can: read 0 &lt; 1; write.\">",
        "<meta property=\"og:locale\" content=\"ru_RU\">",
        "<meta property=\"og:locale:alternate\" content=\"en_US\">",
    ];
    let page = built(&workspace, None)("ru/page.html");
    check(&page, &parts);
    check(&page, &["<meta property=\"og:image\" content=\"../card-ru.png\">"]);
    assert!(!page.contains("og:url") && !page.contains("canonical"), "{page}");

    let page = built(&workspace, Some("https://example.org/a"))("ru/page.html");
    check(&page, &parts);
    let url = "https://example.org/a/ru/page.html";
    check(
        &page,
        &[
            "<meta property=\"og:image\" content=\"https://example.org/a/card-ru.png\">",
            &format!("<meta property=\"og:url\" content=\"{url}\">"),
            &format!("<link rel=\"canonical\" href=\"{url}\">"),
        ],
    );
}

#[test]
fn a_long_beginning_is_cut_between_two_words() {
    let workspace = workspace();
    let words = "слово ".repeat(100);
    workspace.write("book/ru/src/page.md", &format!("# Page {{#page}}\n\n{words}\n"));
    let page = built(&workspace, None)("ru/page.html");
    let said = page.split_once("og:description\" content=\"").unwrap().1.split_once('"').unwrap().0;
    assert!(said.ends_with("слово…") && (190..=200).contains(&said.chars().count()), "{said}");
}

#[test]
fn what_is_not_there_leads_back() {
    let workspace = workspace();
    let page = built(&workspace, None)("404.html");
    check(&page, &["href=\"/en/index.html\"", "href=\"/ru/index.html\"", "(en|ru)", "noindex"]);
    let page = built(&workspace, Some("https://example.org/a/b"))("404.html");
    check(&page, &["href=\"/a/b/en/index.html\"", "href=\"/a/b/ru/index.html\""]);
}

#[test]
fn a_sitemap_needs_an_address() {
    let workspace = workspace();
    workspace.write("book/en/src/SUMMARY.md", "- [Page](page.md)\n- [Alone](alone.md)\n");
    workspace.write("book/en/src/alone.md", "# Alone {#alone}\n");
    let map = built(&workspace, Some("https://example.org/"))("sitemap.xml");
    let tree = roxmltree::Document::parse(&map).unwrap();
    let urls = tree.root_element().children().filter(roxmltree::Node::is_element);
    let found: Vec<(String, usize)> = urls
        .map(|url| {
            let mut parts = url.children().filter(roxmltree::Node::is_element);
            (parts.next().unwrap().text().unwrap().to_owned(), parts.count())
        })
        .collect();
    let of = |file: &str, links| (format!("https://example.org/{file}"), links);
    let all = [of("", 0), of("en/alone.html", 1), of("en/page.html", 2), of("ru/page.html", 2)];
    assert_eq!(found, all);
    assert_eq!(built(&workspace, None)("sitemap.xml"), "");
}

#[test]
fn a_site_that_cannot_be_made_leaves_the_one_before() {
    let workspace = workspace();
    workspace.write("book/build/left.txt", "left");
    let file = built(&workspace, None);
    assert_eq!((file("left.txt"), file("en/404.html"), file("en/.stamp")), Default::default());
    fs::remove_file(workspace.root().join("book/cards/ru.png")).unwrap();
    let error = format!("{:#}", site(workspace.root(), None).unwrap_err());
    assert!(error.contains("ru.png; `python3 book/browser card` makes it"), "{error}");
    assert!(!file("ru/page.html").is_empty());
}
