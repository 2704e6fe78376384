//! Programs are compiled, run, visited and recorded; in a workspace with no dependencies.

mod fixture;

use std::time::Duration;

use programs::{Build, Catalog, ErrorKind, Performance, Workspace};
use tempfile::TempDir;

const SERVED: &str = r#"
use std::io::{Read, Write};
fn main() {
    let port = std::env::var("PORT").unwrap();
    let listener = std::net::TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    println!("Serving on http://localhost:{port}");
    let mut visits = [0, 0];
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut request = [0; 1000];
        let read = stream.read(&mut request).unwrap();
        let request = String::from_utf8_lossy(&request[..read]);
        let known = request.lines().find_map(|line| line.strip_prefix("Cookie: who="));
        let who = known.map_or(usize::from(visits[0] > 0), |who| who.parse().unwrap());
        visits[who] += 1;
        let text = format!("Visits: {}", visits[who]);
        let length = text.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nSet-Cookie: who={who}; Path=/\r\nDate: now\r\nContent-Length: {length}\r\n\r\n{text}"
        )
        .unwrap();
    }
}
"#;

/// A workspace with one program. Its name is its own in all tests, since they may share a folder of
/// what cargo builds.
fn workspace(name: &str, features: &str, source: &str) -> TempDir {
    let manifest = format!(
        "[workspace]\n[package]\nname = \"small\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n\
         [features]\nloud = []\nserver = []\n\
         [[example]]\nname = \"{name}\"\nrequired-features = [{features}]\n"
    );
    let example = format!("examples/{name}.rs");
    fixture::workspace(&[("Cargo.toml", &manifest), ("lib.rs", ""), (&example, source)])
}

fn perform(folder: &TempDir, number: u32) -> programs::Result<String> {
    let workspace = Workspace::at(folder.path());
    let catalog = Catalog::read(&workspace)?;
    let program = catalog.find(number)?;
    let built = Build::default().quiet(true).build(&workspace, &[program])?;
    let performance = Performance::new(program, &built)?.limit(Duration::from_secs(300));
    performance.perform().map(|recording| recording.to_string())
}

#[test]
fn a_program_is_built_and_run() -> programs::Result<()> {
    let source = "fn main() { println!(\"plain\"); std::process::exit(2) }";
    let said = perform(&workspace("0_plain", "", source), 0)?;
    assert_eq!(said, "$ cargo run --example 0_plain\nplain\n[exit status: 2]\n");
    Ok(())
}

#[test]
fn one_is_built_with_its_features() -> programs::Result<()> {
    let source = "fn main() { println!(\"{}\", cfg!(feature = \"loud\")) }";
    let said = perform(&workspace("1_feature", "\"loud\"", source), 1)?;
    assert_eq!(said, "$ cargo run --example 1_feature --features loud\ntrue\n");
    Ok(())
}

#[test]
fn one_that_does_not_compile_is_an_error() {
    let folder = workspace("0_wrong", "", "fn main() { not rust }");
    let error = perform(&folder, 0).expect_err("it does not compile");
    assert_eq!(error.kind(), ErrorKind::Build);
    assert_eq!(error.to_string(), "could not compile 0_wrong: see cargo's errors above");
}

#[test]
fn one_that_serves_pages_is_visited_and_stopped() -> programs::Result<()> {
    let folder = workspace("5_served", "\"server\"", SERVED);
    let said = perform(&folder, 5)?;
    let (head, visits) = said.split_once("\n\n").expect("visits follow");
    assert!(head.contains("--features server\nServing on http://localhost:"), "{head}");
    let port = head.rsplit_once(':').expect("the port is last").1;
    let first = format!(
        "--- visitor A, visit 1\n> GET / HTTP/1.1\n> Host: localhost:{port}\n< HTTP/1.1 200 OK\n\
         < Set-Cookie: who=0; Path=/\n\nVisits: 1\n\n--- visitor B, visit 1\n"
    );
    assert!(visits.starts_with(&first), "{visits}");
    assert!(visits.contains("\n\nVisits: 3 … 83\n\n--- visitor A, visit 84\n"), "{visits}");
    let last = format!(
        "--- visitor B, visit 2\n> GET / HTTP/1.1\n> Host: localhost:{port}\n> Cookie: who=1\n\
         < HTTP/1.1 200 OK\n< Set-Cookie: who=1; Path=/\n\nVisits: 2\n"
    );
    assert!(visits.ends_with(&last), "{visits}");
    let port = port.parse().expect("a port");
    std::net::TcpListener::bind(("127.0.0.1", port)).expect("nobody listens there any more");
    Ok(())
}

#[test]
fn one_that_ends_before_it_serves_is_an_error() {
    let source = "fn main() { println!(\"no port\"); std::process::exit(1) }";
    let folder = workspace("5_early", "\"server\"", source);
    let error = perform(&folder, 5).expect_err("it ended").to_string();
    assert!(error.contains("ended with exit status 1; it printed:\nno port"), "{error}");
}

#[test]
fn one_that_stops_in_the_middle_is_an_error() {
    let source = SERVED.replace("visits[who] += 1;", "visits[who] += 1; assert!(visits[0] < 9);");
    let folder = workspace("5_midway", "\"server\"", &source);
    let error = perform(&folder, 5).expect_err("it ended").to_string();
    assert!(error.contains("could not get http://localhost:"), "{error}");
    assert!(error.contains("assertion failed"), "{error}");
}
