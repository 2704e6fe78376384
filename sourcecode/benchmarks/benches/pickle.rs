//! What a megabyte of a hostile pickle takes, from the first byte until it is refused or thrown away: the time,
//! and the memory that was taken at once, as the allocator counts it.

use std::time::{Duration, Instant};

use beaker::pickle::Pickle;
use benchmarks::median;
use peak_alloc::PeakAlloc;

const SIZE: usize = 1 << 20;
const TIME: Duration = Duration::from_millis(50);
const MEMORY: f64 = 64.0;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

fn main() {
    let mut verdict = "reached";
    for (name, bytes) in bombs() {
        let (time, memory, end) = measured(&bytes);
        if time > TIME || memory > MEMORY {
            verdict = "MISSED";
        }
        println!("{name}: {:.1} ms, {memory:.1} MB; {end}", time.as_secs_f64() * 1e3);
    }
    println!("==> pickle: a megabyte of each within {TIME:?} and {MEMORY} MB: {verdict}");
}

/// The median of the times, the most memory beyond the pickle itself, and how it ended.
fn measured(bytes: &[u8]) -> (Duration, f64, String) {
    let mut end = String::new();
    let mut most = 0;
    let times = (0..9).map(|_| {
        ALLOCATOR.reset_peak_usage();
        let before = ALLOCATOR.current_usage();
        let begun = Instant::now();
        let read = Pickle::read(bytes);
        let values = read.as_ref().map(|pickle| pickle.value(pickle.root()).map(drop));
        end = match &values {
            Err(refused) => refused.to_string(),
            Ok(Err(why)) => format!("read; it is no value: {why}"),
            Ok(Ok(())) => "read".to_owned(),
        };
        drop(read);
        let time = begun.elapsed().as_secs_f64();
        most = most.max(ALLOCATOR.peak_usage() - before);
        time
    });
    let time = Duration::from_secs_f64(median(times.collect::<Vec<_>>().into_iter()));
    (time, most as f64 / 1e6, end)
}

fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let repeated = |begin: &[u8], middle: &[u8]| {
        let times = (SIZE - begin.len() - 1) / middle.len();
        [begin, &middle.repeat(times), b"."].concat()
    };
    let nested =
        |levels: usize| [&b"]".repeat(levels)[..], b"N", &b"a".repeat(levels), b"."].concat();
    let text = {
        let count = 20_000;
        let size = SIZE - 2 * count - 20;
        let head = [b"(X".as_slice(), &(size as u32).to_le_bytes()].concat();
        [&head, &b"a".repeat(size)[..], b"q\0", &b"h\0".repeat(count), b"t."].concat()
    };
    vec![
        ("2,000 lists in each other", nested(2_000)),
        ("500,000 lists in each other", nested(500_000)),
        ("a text, fetched 20,000 times", text),
        ("tuples that double", repeated(b")", b"2\x86")),
        ("empty lists", repeated(b"", b"]")),
        ("lists of one", repeated(b"", b"]Na")),
        ("dicts of one", repeated(b"", b"}NNs")),
        ("sets", repeated(b"", b"\x8f")),
        ("calls", repeated(b"cx\nx\nq\0)q\x010", b"h\0h\x01R")),
        ("calls of calls", repeated(b"cx\nx\n", b")R")),
        ("classes", repeated(b"", b"c\n\n")),
        ("instances", repeated(b"", b"(i\n\n")),
        ("states", repeated(b"cx\nx\n)R", b"Nb")),
        ("short texts", repeated(b"", b"U\x01a")),
        ("lines of numbers", repeated(b"", b"I1\n")),
        (
            "the largest numbers",
            repeated(b"", &[b"L".as_slice(), &b"9".repeat(4300), b"L\n"].concat()),
        ),
        ("escapes", repeated(b"", b"V\\U0001f3c1\n")),
        ("marks", repeated(b"", b"(")),
        ("memo", repeated(b"N", b"\x94")),
        ("memo at large numbers", repeated(b"N", b"r\xff\xff\xff\xff")),
        ("memo at many numbers", {
            let puts = (0..200_000_u32)
                .flat_map(|at| [b'r'].into_iter().chain((at << 12 | 7).to_le_bytes()));
            [b"N".as_slice(), &puts.collect::<Vec<_>>(), b"."].concat()
        }),
        ("fetches", repeated(b"]q\0", b"h\0")),
        ("a list that has itself", repeated(b"]q\0", b"h\0a")),
        ("copies", repeated(b"]", b"2")),
        ("pushes and pops", repeated(b"N", b"N0")),
        (
            "a large number",
            [b"\x8b\xf0\xff\x0f\0".as_slice(), &b"\x7f".repeat(SIZE - 16), b"."].concat(),
        ),
        (
            "a large claim",
            [b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f".as_slice(), &b"a".repeat(SIZE)].concat(),
        ),
        ("frames", repeated(b"", b"\x95\0\0\0\0\0\0\0\0")),
    ]
}
