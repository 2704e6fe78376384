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
    let counts = |start: &str, end: &str| {
        let mut numbered = (first..).zip(visits);
        numbered.all(|(visit, seen)| seen.body == format!("{start}{visit}{end}"))
    };
    let same_head = visits
        .windows(2)
        .all(|two| (&two[0].status, &two[0].headers) == (&two[1].status, &two[1].headers));
    let around = visits[0].body.rsplit_once(&first.to_string());
    match around.filter(|(start, end)| same_head && counts(start, end)) {
        Some((start, end)) => {
            lines.push(format!("< {}", visits[0].status));
            lines.extend(visits[0].headers.iter().map(|line| format!("< {line}")));
            lines.push(String::new());
            lines.push(format!("{start}{first} … {last}{end}"));
        }
        None => lines.extend((first..).zip(visits).map(|(visit, seen)| {
            format!("{visit}: {} {} {}", seen.status, seen.headers.join(", "), seen.body)
        })),
    }
    add(text, &lines);
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
    fn few_visits_are_no_reason_to_panic() {
        for visits in 0..5 {
            transcript(&exchanges((0..visits).map(|visit: usize| visit.to_string())));
        }
    }
}
