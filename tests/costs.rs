//! The tables of stores say what was measured: `book/costs.txt`, which the benchmark writes.

use std::fs;
use std::path::Path;

#[test]
fn tables_say_what_was_measured() {
    let read =
        |file: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let measured = read("book/costs.txt");
    let costs = measured.lines().filter_map(|line| {
        let [label, "get", get, "put", put] = line.split_whitespace().collect::<Vec<_>>()[..]
        else {
            return None;
        };
        Some((label, format!("| {get}, {put} |")))
    });
    let costs: Vec<_> = costs.collect();
    assert_eq!(costs.len(), 8, "{measured}");
    for table in ["README.md", "book/en/src/stores.md"] {
        let page = read(table);
        for (label, cost) in &costs {
            let rows = page.lines().filter(|line| {
                let first = line.split('|').nth(1).unwrap_or_default().replace('`', "");
                first.trim().ends_with(label) && line.matches('|').count() > 6
            });
            let rows: Vec<_> = rows.collect();
            assert_eq!(rows.len(), 1, "{table}: {label}: {rows:?}");
            assert!(rows[0].ends_with(cost), "{table}: `{}` does not end with `{cost}`", rows[0]);
        }
    }
}
