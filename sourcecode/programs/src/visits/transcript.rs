//! What two visitors saw, as text.

use std::fmt::Write;

use super::Exchange;

/// What the program printed, and the visits that are worth a look in full: A's first and second,
/// B's first, A's last, B's second. Of the visits between, what they have in common.
pub(super) fn write(printed: &str, of_a: &[Exchange], of_b: &[Exchange]) -> String {
    let mut text = printed.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let last = of_a.len();
    show(&mut text, "A", 1, of_a);
    show(&mut text, "B", 1, of_b);
    show(&mut text, "A", 2, of_a);
    between(&mut text, of_a);
    show(&mut text, "A", last, of_a);
    show(&mut text, "B", 2, of_b);
    text
}

/// What the program printed, and every exchange with its visitor.
pub(super) fn write_walk(printed: &str, seen: &[(&str, Exchange)]) -> String {
    let mut text = printed.to_owned();
    for (visitor, exchange) in seen {
        add_exchange(&mut text, &format!("--- visitor {visitor}"), exchange);
    }
    text
}

fn show(text: &mut String, visitor: &str, visit: usize, exchanges: &[Exchange]) {
    let exchange = visit.checked_sub(1).and_then(|index| exchanges.get(index));
    if let Some(exchange) = exchange {
        add_exchange(text, &format!("--- visitor {visitor}, visit {visit}"), exchange);
    }
}

fn add_exchange(text: &mut String, head: &str, exchange: &Exchange) {
    let mut lines = vec![String::new(), head.to_owned()];
    lines.extend(exchange.request.iter().map(|line| format!("> {line}")));
    lines.push(format!("< {}", exchange.status));
    lines.extend(exchange.headers.iter().map(|line| format!("< {line}")));
    if !exchange.body.is_empty() {
        lines.push(String::new());
        lines.push(exchange.body.clone());
    }
    add(text, &lines);
}

/// The visits from the third to the last but one. Only what is so of each of them is said of all.
fn between(text: &mut String, of_a: &[Exchange]) {
    let Some(visits) = of_a.get(2..of_a.len().saturating_sub(1)).filter(|visits| visits.len() > 1)
    else {
        return;
    };
    let (first, last) = (3, of_a.len() - 1);
    let mut lines = vec![String::new(), format!("--- visitor A, visits {first} to {last}")];
    let same_head = visits
        .windows(2)
        .all(|two| (&two[0].status, &two[0].headers) == (&two[1].status, &two[1].headers));
    match counting(first, visits).filter(|_| same_head) {
        Some(body) => {
            lines.push(format!("< {}", visits[0].status));
            lines.extend(visits[0].headers.iter().map(|line| format!("< {line}")));
            lines.push(String::new());
            lines.push(body);
        }
        None => {
            let say = |seen: &Exchange| {
                format!("{} {} {}", seen.status, seen.headers.join(", "), seen.body)
            };
            let mut visit = first;
            for alike in visits.chunk_by(|one, other| say(one) == say(other)) {
                let end = visit + alike.len() - 1;
                let visits =
                    if end > visit { format!("{visit} to {end}") } else { visit.to_string() };
                lines.push(format!("{visits}: {}", say(&alike[0])));
                visit = end + 1;
            }
        }
    }
    add(text, &lines);
}

/// The pages of all visits in one line, if they count them: by the number of the visit, or of one beside it.
fn counting(first: usize, visits: &[Exchange]) -> Option<String> {
    [first, first - 1, first + 1].into_iter().find_map(|begin| {
        let (start, end) = visits[0].body.rsplit_once(&begin.to_string())?;
        let mut numbered = (begin..).zip(visits);
        let counts = numbered.all(|(number, seen)| seen.body == format!("{start}{number}{end}"));
        counts.then(|| format!("{start}{begin} … {}{end}", begin + visits.len() - 1))
    })
}

fn add(text: &mut String, lines: &[String]) {
    for line in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchanges(bodies: impl IntoIterator<Item = String>) -> Vec<Exchange> {
        let exchange = |body| Exchange {
            request: vec!["GET / HTTP/1.1".to_owned()],
            status: "HTTP/1.1 200 OK".to_owned(),
            headers: vec!["Content-Type: text/plain".to_owned()],
            body,
        };
        bodies.into_iter().map(exchange).collect()
    }

    fn transcript(of_a: &[Exchange]) -> String {
        write("Serving", of_a, &exchanges((1..=2).map(|visit| format!("Value: {visit}"))))
    }

    #[test]
    fn what_is_so_of_all_is_said_once() {
        let of_a = exchanges((1..=84).map(|visit| format!("Value: {visit}")));
        let text = transcript(&of_a);
        assert!(text.starts_with("Serving\n\n--- visitor A, visit 1\n> GET / HTTP/1.1\n< HTTP"));
        assert!(text.contains("visits 3 to 83\n< HTTP/1.1 200 OK\n< Content-Type: text/plain\n\n"));
        assert!(text.contains("\nValue: 3 … 83\n\n--- visitor A, visit 84\n"), "{text}");
        assert!(text.ends_with("visitor B, visit 2\n> GET / HTTP/1.1\n< HTTP/1.1 200 OK\n< Content-Type: text/plain\n\nValue: 2\n"), "{text}");
    }

    #[test]
    fn what_is_not_so_is_shown() {
        let mut of_a = exchanges((1..=84).map(|visit| format!("Value: {visit}")));
        of_a[39].body = "Value: 1".to_owned();
        let text = transcript(&of_a);
        assert!(!text.contains('…'), "{text}");
        assert!(
            text.contains("\n40: HTTP/1.1 200 OK Content-Type: text/plain Value: 1\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_so_of_many_is_said_once_of_them() {
        let body = |visit| if visit < 40 { "Hello".to_owned() } else { format!("Visit {visit}") };
        let text = transcript(&exchanges((1..=43).map(body)));
        let line = |visits: &str, body: &str| {
            let line = format!("\n{visits}: HTTP/1.1 200 OK Content-Type: text/plain {body}\n");
            assert!(text.contains(&line), "{text}");
        };
        line("3 to 39", "Hello");
        line("40", "Visit 40");
        line("42", "Visit 42");
    }

    #[test]
    fn a_count_beside_the_visits_is_one() {
        for shift in [0, 2] {
            let of_a = exchanges((1..=84).map(|visit| format!("Value: {}", visit + shift - 1)));
            let said = format!("\nValue: {} … {}\n\n", 2 + shift, 82 + shift);
            let text = transcript(&of_a);
            assert!(text.contains(&said), "{text}");
        }
    }

    #[test]
    fn few_visits_are_no_reason_to_panic() {
        for visits in 0..5 {
            transcript(&exchanges((0..visits).map(|visit: usize| visit.to_string())));
        }
    }
}
