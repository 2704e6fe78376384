//! Programs that do not behave: each ends, and nothing is left behind.

mod fixture;

use std::path::Path;
use std::time::{Duration, Instant};

use fixture::script;
use programs::process::{End, Event, Finished, Limits, OUTPUT_LIMIT, Process};

/// Long enough for whatever is to end by itself.
const LONG: Duration = Duration::from_secs(300);

fn run(text: &str, limit: Duration) -> Finished {
    run_within(text, limit, Limits::PROGRAM)
}

fn run_within(text: &str, limit: Duration, limits: Limits) -> Finished {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let program = script(folder.path(), "program", text);
    let environment = [("COLOUR", "blue".to_owned())];
    let process = Process::start_within(&program, &environment, limits).expect("it starts");
    process.finish(limit, &mut |_| {}).expect("the system works")
}

fn is_alive(process: &str) -> bool {
    let state =
        std::fs::read_to_string(format!("/proc/{}/stat", process.trim())).unwrap_or_default();
    // A zombie has ended; its parent has yet to notice.
    !state.is_empty() && !state.contains(") Z ")
}

/// Waits, within bounds, until a process is gone that was killed and has another parent.
fn ends(process: &str) -> bool {
    let deadline = Instant::now() + LONG;
    while is_alive(process) && Instant::now() < deadline {
        std::thread::yield_now();
    }
    !is_alive(process)
}

#[test]
fn outputs_keep_their_order() {
    let finished = run("echo 1; echo 2 >&2; echo 3; echo 4 >&2; echo $COLOUR; exit 3", LONG);
    assert_eq!(finished, Finished { output: "1\n2\n3\n4\nblue\n".into(), end: End::Exited(3) });
    assert_eq!(finished.status("x").expect("it ended by itself"), 3);
}

#[test]
fn each_runs_in_a_fresh_folder_that_goes() {
    let folder = run("touch file; mkdir -p a/b; ls; pwd", LONG).output;
    let folder = folder.strip_prefix("a\nfile\n").expect("the folder was empty").trim();
    assert!(!Path::new(folder).exists(), "{folder}");
}

#[test]
fn one_that_hangs_is_stopped_with_all_it_started() {
    let begun = Instant::now();
    let finished = run("sleep 1000 & echo $!; sleep 1000", Duration::from_millis(200));
    assert_eq!(finished.end, End::TookTooLong(Duration::from_millis(200)));
    assert!(ends(&finished.output), "{finished:?}");
    assert!(begun.elapsed() < LONG);
    let error = finished.status("4_x").expect_err("it hung").to_string();
    assert!(error.contains("`4_x` did not end within 0.2 s and was stopped"), "{error}");
}

#[test]
fn what_a_program_leaves_behind_is_ended() {
    let finished = run("sleep 1000 & echo $!", LONG);
    assert_eq!(finished.end, End::Exited(0));
    assert!(ends(&finished.output), "{finished:?}");
}

#[test]
fn what_leaves_the_group_is_ended_as_well() {
    let leaves = "setsid sh -c 'echo $$ > id; exec sleep 1000' & \
                  until [ -s id ]; do sleep 0.01; done; cat id";
    let finished = run(leaves, LONG);
    assert_eq!(finished.end, End::Exited(0));
    assert!(!finished.output.is_empty() && ends(&finished.output), "{finished:?}");
}

/// Sleeping processes, with which nobody's machine is in danger, in the place of a fork bomb.
#[test]
fn one_that_starts_too_many_processes_is_stopped() {
    let limits = Limits { tasks: 20, ..Limits::PROGRAM };
    let bomb = "n=0; while [ $n -lt 60 ]; do sleep 1000 & echo $!; n=$((n + 1)); done; wait";
    let finished = run_within(bomb, LONG, limits);
    // The system refuses more of them to users, and we to root.
    let refused = matches!(finished.end, End::Exited(1..)) && finished.output.contains("ork");
    assert!(finished.end == End::StartedTooMany(20) || refused, "{finished:?}");
    let ids = finished.output.lines().filter(|line| line.parse::<u32>().is_ok());
    assert!(ids.clone().count() > 5, "{finished:?}");
    ids.for_each(|id| assert!(ends(id), "{id}"));
}

#[test]
fn one_that_asks_for_too_much_memory_does_not_get_it() {
    let limits = Limits { memory: 64 << 20, ..Limits::PROGRAM };
    let one = |bytes: &str| {
        run_within(&format!("dd if=/dev/zero of=/dev/null bs={bytes} count=1"), LONG, limits)
    };
    assert_eq!(one("1M").end, End::Exited(0));
    assert_eq!(one("256M").end, End::Exited(1));
}

#[test]
fn one_whose_processes_use_too_much_memory_together_is_stopped() {
    let limits = Limits { together: 48 << 20, ..Limits::PROGRAM };
    let hold = "(x=$(head -c 20000000 /dev/zero | tr '\\0' x); sleep 1000; :)";
    let finished = run_within(&format!("{hold} & {hold} & {hold} & wait"), LONG, limits);
    assert_eq!(finished.end, End::TookTooMuchMemory(48 << 20));
    assert!(finished.status("x").unwrap_err().to_string().contains("took more than 48 MiB"));
}

#[test]
fn files_and_computing_have_limits() {
    let limits = Limits { file: 64 << 10, computing: Duration::from_secs(1), ..Limits::PROGRAM };
    let wrote = run_within("head -c 100000 /dev/zero > file; echo $?; wc -c < file", LONG, limits);
    assert!(!wrote.output.starts_with("0\n") && wrote.output.ends_with("\n65536\n"), "{wrote:?}");
    let computed = run_within("while :; do :; done", LONG, limits);
    // The shell's own limit is where the signal comes, and a second later it is killed.
    assert!(matches!(computed.end, End::Signal(9 | 24)), "{computed:?}");
}

#[test]
fn one_that_closes_its_output_is_waited_for() {
    let finished = run("exec >&- 2>&-; sleep 0.05; exit 7", LONG);
    assert_eq!(finished, Finished { output: String::new(), end: End::Exited(7) });
}

#[test]
fn one_that_crashes_is_reported_with_what_it_said() {
    let finished = run("echo so far; kill -SEGV $$", LONG);
    assert_eq!(finished.end, End::Signal(11));
    let error = finished.status("4_x").expect_err("it crashed").to_string();
    assert!(error.contains("`4_x` crashed: signal 11 (SIGSEGV"), "{error}");
    assert!(error.ends_with("so far"), "{error}");
}

#[test]
fn one_that_does_not_stop_talking_is_stopped() {
    let finished = run("while :; do echo ................................; done", LONG);
    assert_eq!(finished.end, End::SaidTooMuch(OUTPUT_LIMIT));
    assert!(finished.output.len() < OUTPUT_LIMIT + 64 * 1024);
}

#[test]
fn output_comes_while_the_program_runs() {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let program = script(folder.path(), "program", "echo $$; sleep 1000");
    let mut process = Process::start(&program, &[]).expect("it starts");
    let Ok(Event::Printed(printed)) = process.next(Instant::now() + LONG) else {
        panic!("nothing was printed");
    };
    let id = String::from_utf8(printed).expect("a number");
    assert!(is_alive(&id));
    drop(process);
    assert!(ends(&id));
}

#[test]
fn one_that_does_not_want_to_stop_is_made_to() {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let program = script(
        folder.path(),
        "program",
        "trap 'echo no' TERM; echo $$; while :; do sleep 0.01; done",
    );
    let mut process = Process::start(&program, &[]).expect("it starts");
    let Ok(Event::Printed(printed)) = process.next(Instant::now() + LONG) else {
        panic!("nothing was printed");
    };
    let said = process.stop(Duration::from_millis(300)).expect("the system works");
    assert!(String::from_utf8_lossy(&said).contains("no"), "{said:?}");
    assert!(ends(&String::from_utf8_lossy(&printed)));
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let error = Process::start(Path::new("/no/such"), &[]).expect_err("it is not there");
    assert!(error.to_string().starts_with("could not start `/no/such`: "), "{error}");
}
