//! Makes a module of each page: what its context says, and the quotes that need none but the usual names.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs;
use std::path::Path;

use super::context::{fill, marked};
use super::page::{Quote, is_rust, quotes};

/// What is not compiled, each with its reason.
const EXCEPTIONS: &str = "book/not-compiled.txt";

const IMPORTS: &str = "use crate::usual::*;\n\n";

/// What a quote without a context finds: the names of a blocking program.
const BINDINGS: &str = "(mut session: Session, sessions: Sessions, id: &SessionId, backend: &Backend, \
                        cache: Cache<u32>) -> Anything<()>";

#[derive(Default)]
pub struct Written {
    /// The modules by the names of their pages, without `.md`.
    pub modules: Vec<(String, String)>,
    pub problems: Vec<String>,
}

/// The modules of all pages of a workbook.
pub fn modules(root: &Path) -> Written {
    let mut written = Written::default();
    let list = fs::read_to_string(root.join(EXCEPTIONS)).unwrap_or_default();
    let mut exceptions = exceptions(&list, &mut written.problems);
    let solutions = solutions(root);
    let contexts = root.join("sourcecode/quotes/pages");
    for name in names(&root.join("book/en/src"), "md") {
        let read = |folder: &str| fs::read_to_string(root.join(folder).join(format!("{name}.md")));
        let (english, russian) = (read("book/en/src"), read("book/ru/src"));
        let (english, russian) = (english.unwrap_or_default(), russian.unwrap_or_default());
        let mut page = Page::of(&name, &english);
        written.problems.extend(page.lacking(&russian));
        page.without(exceptions.remove(&page.file), &mut written.problems);
        page.quotes.retain(|quote| !quote.block || !is_part(&quote.text, &solutions));
        let context = fs::read_to_string(contexts.join(&name).with_extension("rs"));
        match page.module(&with_solutions(&context.unwrap_or_default(), &solutions)) {
            Ok(Some(module)) => written.modules.push((name, module)),
            Ok(None) => {}
            Err(problems) => written.problems.extend(problems),
        }
    }
    for name in names(&contexts, "rs") {
        if !root.join("book/en/src").join(&name).with_extension("md").exists() {
            written
                .problems
                .push(format!("sourcecode/quotes/pages/{name}.rs: there is no page {name}.md"));
        }
    }
    for page in exceptions.keys() {
        written.problems.push(format!("{EXCEPTIONS}: there is no page {page}"));
    }
    written
}

/// The names of the files in a folder that end so, without that end.
fn names(folder: &Path, end: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let of_kind = entries.filter(|path| path.extension().is_some_and(|it| it == end));
    let mut names: Vec<String> =
        of_kind.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

type Exceptions = BTreeMap<String, Vec<String>>;

/// Reads lines such as ``page.md: `piece`: reason`` into the pieces of each page.
fn exceptions(list: &str, problems: &mut Vec<String>) -> Exceptions {
    let mut exceptions = Exceptions::new();
    for line in list.lines() {
        let parts = || {
            let (page, rest) = line.split_once(": `")?;
            let (piece, reason) = rest.split_once("`: ")?;
            (reason.len() > 10).then(|| (page.to_owned(), piece.to_owned()))
        };
        match parts() {
            Some((page, piece)) => exceptions.entry(page).or_default().push(piece),
            None => problems.push(format!(
                "{EXCEPTIONS}: `{line}` should be a page, a piece in backticks and a reason"
            )),
        }
    }
    exceptions
}

/// What the exercises have as their solutions, by the names of their folders: it is compiled, and run.
type Solutions = BTreeMap<String, String>;

fn solutions(root: &Path) -> Solutions {
    let folders = fs::read_dir(root.join("exercises")).into_iter().flatten().flatten();
    let solutions = folders.filter_map(|folder| {
        let text = fs::read_to_string(folder.path().join("solution.rs")).ok()?;
        Some((folder.file_name().into_string().ok()?, text))
    });
    solutions.collect()
}

/// Whether each paragraph of a block stands in the same solution.
fn is_part(block: &str, solutions: &Solutions) -> bool {
    let lines = |text: &str| -> Vec<String> { text.lines().map(|it| it.trim().into()).collect() };
    let paragraphs: Vec<_> = block.trim().split("\n\n").map(lines).collect();
    solutions.values().map(|text| lines(text)).any(|solution| {
        let has = |part: &Vec<String>| solution.windows(part.len()).any(|window| window == part);
        paragraphs.iter().all(has)
    })
}

/// Fills in the solutions that a context names as `«exercises/NAME»`, without the docs at their heads.
fn with_solutions(context: &str, solutions: &Solutions) -> String {
    solutions.iter().fold(context.to_owned(), |context, (name, text)| {
        let text = text.lines().skip_while(|line| line.starts_with("//!"));
        let text: Vec<&str> = text.collect();
        context.replace(&format!("«exercises/{name}»"), &text.join("\n"))
    })
}

struct Page {
    file: String,
    quotes: VecDeque<Quote>,
}

impl Page {
    /// Each piece of a line is compiled once, where it stands for the first time.
    fn of(name: &str, text: &str) -> Page {
        let mut seen = HashSet::new();
        let quotes = quotes(text).into_iter();
        let quotes = quotes.filter(|quote| quote.block || seen.insert(quote.text.clone()));
        Page { file: format!("{name}.md"), quotes: quotes.collect() }
    }

    /// What another edition of the page quotes, and this one does not.
    fn lacking(&self, other: &str) -> Vec<String> {
        let has = |text: &str| self.quotes.iter().any(|quote| quote.text == text);
        let theirs = quotes(other).into_iter().filter(|quote| quote.block || is_rust(&quote.text));
        let lacking = theirs.filter(|quote| !quote.block && !has(&quote.text));
        let say = |quote: Quote| {
            format!(
                "book/ru/src/{}:{}: `{}` is not on the English page",
                self.file, quote.line, quote.text
            )
        };
        lacking.map(say).collect()
    }

    fn without(&mut self, exceptions: Option<Vec<String>>, problems: &mut Vec<String>) {
        for piece in exceptions.unwrap_or_default() {
            let Some(at) = self.quotes.iter().position(|quote| quote.text == piece) else {
                problems.push(format!("{EXCEPTIONS}: {} does not quote `{piece}`", self.file));
                continue;
            };
            if !is_rust(&piece) && !self.quotes[at].block {
                problems.push(format!("{EXCEPTIONS}: `{piece}` would not be compiled anyway"));
            }
            self.quotes.remove(at);
        }
    }

    /// Nothing, if the page quotes no Rust.
    fn module(mut self, context: &str) -> Result<Option<String>, Vec<String>> {
        let page = format!("book/en/src/{}", self.file);
        let filled = fill(context, &page, &mut self.quotes).map_err(|problems| {
            let file = self.file.replace(".md", ".rs");
            problems
                .iter()
                .map(|it| format!("sourcecode/quotes/pages/{file}: {it}"))
                .collect::<Vec<_>>()
        })?;
        let mut module = format!("use super::usual::*;\n\n{filled}");
        for (quote, number) in
            self.quotes.iter().filter(|it| it.block || is_rust(&it.text)).zip(1..)
        {
            let quote = marked(quote, &page);
            module += &format!("\nasync fn quote_{number}{BINDINGS} {{\n{quote}\n;Ok(())\n}}\n");
        }
        Ok((module.len() > IMPORTS.len()).then_some(module))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workbook(files: &[(&str, &str)]) -> Written {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        modules(root.path())
    }

    #[test]
    fn a_quote_has_its_context_or_the_usual_names() {
        let written = workbook(&[
            ("book/en/src/p.md", "`a.b()`, `Name`, `c()`, `c()`\n\n```rust\nlet d = 1;\n```\n"),
            ("sourcecode/quotes/pages/p.rs", "fn f() { «c()»; }\n"),
        ]);
        assert!(written.problems.is_empty(), "{:?}", written.problems);
        let (page, module) = &written.modules[0];
        assert_eq!(page, "p");
        let count = |text: &str| module.matches(text).count();
        assert_eq!(count("fn f() { c() /* book/en/src/p.md:1 */; }"), 1, "{module}");
        assert_eq!(count("{\na.b() /* book/en/src/p.md:1 */\n;Ok(())\n}"), 1, "{module}");
        assert_eq!(count("{\nlet d = 1; /* book/en/src/p.md:4 */\n;Ok(())\n}"), 1, "{module}");
        assert_eq!((count("async fn quote_"), count("Name")), (2, 0), "{module}");
    }

    #[test]
    fn an_answer_is_compiled_as_a_solution() {
        let page = "```rust\na();\n    b()\n```\n";
        let check = |solution: &str, quotes: usize| {
            let files = [("book/en/src/p.md", page), ("exercises/01_a/solution.rs", solution)];
            assert_eq!(workbook(&files).modules.len(), quotes);
        };
        check("fn f() {\n    a();\n    b()\n}\n", 0);
        check("fn f() {\n    a();\n    c();\n    b()\n}\n", 1);
    }

    #[test]
    fn an_answer_may_show_parts_of_a_solution() {
        let page = "```rust\nfn a() {}\n\nfn c() {}\n```\n";
        let check = |solution: &str, quotes: usize| {
            let files = [("book/en/src/p.md", page), ("exercises/01_a/solution.rs", solution)];
            assert_eq!(workbook(&files).modules.len(), quotes);
        };
        check("impl A {\n    fn a() {}\n\n    fn b() {}\n\n    fn c() {}\n}\n", 0);
        check("fn a() {}\n\nfn b() {}\n", 1);
    }

    #[test]
    fn a_context_may_name_a_solution() {
        let written = workbook(&[
            ("book/en/src/p.md", "`a()`"),
            ("sourcecode/quotes/pages/p.rs", "«exercises/01_a»\n\nfn f() { «a()»; }\n"),
            ("exercises/01_a/solution.rs", "//! A.\n\nfn a() {}\n"),
        ]);
        let expected = "\nfn a() {}\n\nfn f() { a() /* book/en/src/p.md:1 */; }\n";
        assert!(written.problems.is_empty(), "{:?}", written.problems);
        assert!(written.modules[0].1.ends_with(expected), "{:?}", written.modules);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let written = workbook(&[
            ("book/en/src/p.md", "`a()`, `b`, `c()`"),
            ("book/ru/src/p.md", "`a()`,\n`d()`, `e`"),
            ("sourcecode/quotes/pages/p.rs", "«gone()»"),
            ("sourcecode/quotes/pages/q.rs", ""),
            (
                "book/not-compiled.txt",
                "p.md: `a()`: it is another language\np.md: `b`: it is a mere name\n\
                p.md: `f()`: it was there once\nq.md: `a()`: there is no such page\np.md: `c()`: short\n",
            ),
        ]);
        let expected = [
            "book/not-compiled.txt: `p.md: `c()`: short` should be a page, a piece in backticks and a reason",
            "book/ru/src/p.md:2: `d()` is not on the English page",
            "book/not-compiled.txt: `b` would not be compiled anyway",
            "book/not-compiled.txt: p.md does not quote `f()`",
            "sourcecode/quotes/pages/p.rs: the page does not quote `gone()`, or not so often",
            "sourcecode/quotes/pages/q.rs: there is no page q.md",
            "book/not-compiled.txt: there is no page q.md",
        ];
        assert_eq!(written.problems, expected);
    }
}
