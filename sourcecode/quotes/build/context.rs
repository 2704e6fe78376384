//! Puts the quotes of a page into what is around them, so that the compiler can read them.

use std::collections::VecDeque;

use super::page::Quote;

/// Fills in what a context names between `«` and `»` by the first line of a quote. What it has not named is left
/// in `quotes`. Each line of a quote says at its end where in the book it stands.
pub fn fill(
    context: &str,
    page: &str,
    quotes: &mut VecDeque<Quote>,
) -> Result<String, Vec<String>> {
    let (mut filled, mut problems) = (String::new(), Vec::new());
    let mut parts = context.split('«');
    filled += parts.next().unwrap_or_default();
    for part in parts {
        let Some((name, rest)) = part.split_once('»') else {
            problems.push(format!("`«{}` has no `»`", part.trim_end()));
            continue;
        };
        match quotes.iter().position(|quote| quote.first_line() == name) {
            Some(at) => {
                let quote = quotes.remove(at).expect("it has just been found");
                filled += &marked(&quote, page);
            }
            None => problems.push(format!("the page does not quote `{name}`, or not so often")),
        }
        filled += rest;
    }
    if problems.is_empty() { Ok(filled) } else { Err(problems) }
}

/// A quote in which each line says where it stands. That is what the compiler shows of it.
pub fn marked(quote: &Quote, page: &str) -> String {
    let lines = quote.text.lines().zip(quote.line..);
    let marked = lines.map(|(line, number)| format!("{line} /* {page}:{number} */"));
    marked.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(line: usize, text: &str) -> Quote {
        Quote { line, text: text.to_owned(), block: false }
    }

    #[test]
    fn quotes_stand_where_the_context_names_them() {
        let mut quotes =
            VecDeque::from([quote(3, "a()?"), quote(5, "let b = 1;\nb\n"), quote(9, "c")]);
        let context = "fn f() {\n    x.«a()?»;\n    «let b = 1;»\n}\n";
        let filled = fill(context, "p.md", &mut quotes).unwrap();
        let expected =
            "fn f() {\n    x.a()? /* p.md:3 */;\n    let b = 1; /* p.md:5 */\nb /* p.md:6 */\n}\n";
        assert_eq!(filled, expected);
        assert_eq!(quotes, [quote(9, "c")]);
    }

    #[test]
    fn of_two_that_begin_alike_the_first_comes_first() {
        let mut quotes = VecDeque::from([quote(1, "a\nb"), quote(5, "a\nc")]);
        let filled = fill("«a» | «a»", "p", &mut quotes).unwrap();
        assert_eq!(filled, "a /* p:1 */\nb /* p:2 */ | a /* p:5 */\nc /* p:6 */");
    }

    #[test]
    fn what_no_page_quotes_is_named() {
        let mut quotes = VecDeque::from([quote(1, "a")]);
        let problems = fill("«a» «a» «b»\n«c\n", "p", &mut quotes).unwrap_err();
        let expected = [
            "the page does not quote `a`, or not so often",
            "the page does not quote `b`, or not so often",
            "`«c` has no `»`",
        ];
        assert_eq!(problems, expected);
    }
}
