//! The words of mdBook are changed, and those of an author are not.

use std::fs;

use super::Workspace;
use crate::book::build::build;

const LIST: &str = "[attributes]\n\"Change theme\" = \"Тема\"\n[texts]\n\"Auto\" = \"Сама\"\n\
                    [boxes]\n\"Note\" = \"Заметка\"\n[missing]\n[scripts.\"book.js\"]\n";

#[test]
fn only_what_is_around_a_text_is_changed() {
    let workspace = Workspace::new();
    workspace.write("book/ru/interface.toml", &format!("{LIST}\"Copied!\" = \"Готово\"\n"));
    let page =
        "# Page {#page}\n\n**Auto**\n\n> [!NOTE]\n> Read.\n\n<b title=\"Change theme\">x</b>\n";
    workspace.write("book/ru/src/page.md", page);
    build(workspace.root()).unwrap();
    let built =
        |file: &str| fs::read_to_string(workspace.root().join("book/ru/build").join(file)).unwrap();
    let html = built("page.html");
    let (around, rest) = html.split_once("<main>").unwrap();
    let main = rest.split_once("</main>").unwrap().0;
    assert!(around.contains(" title=\"Тема\" aria-label=\"Тема\""), "{around}");
    assert!(around.contains(">Сама<") && !around.contains(">Auto<"), "{around}");
    assert!(main.contains("<strong>Auto</strong>"), "{main}");
    assert!(main.contains("<b title=\"Change theme\">"), "{main}");
    assert!(main.contains("</svg>Заметка</p>"), "{main}");
    assert!(built("book.js").contains("'Готово'"));
}

#[test]
fn a_list_that_does_not_fit_fails_the_build() {
    for (list, message) in [
        (format!("{LIST}\"Never said\" = \"x\"\n"), "does not say `Never said` any more"),
        (LIST.replace("[boxes]", "[box]"), "unknown field `box`"),
        (format!("{LIST}[scripts.\"gone.js\"]\n"), "could not read"),
    ] {
        let workspace = Workspace::new();
        workspace.write("book/ru/interface.toml", &list);
        let error = format!("{:#}", build(workspace.root()).unwrap_err());
        assert!(error.contains(message), "{error}");
    }
}
