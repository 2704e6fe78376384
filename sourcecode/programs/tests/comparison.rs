//! The comparison sees what it must see, and nothing else.

mod sample;

use programs::comparison::compare;
use proptest::prelude::*;
use sample::{Run, dump, seconds};

/// Compares the first run with the second after a change to the second, which must be seen if and
/// only if `same` is not expected.
#[track_caller]
fn check(same: bool, change: impl FnOnce(&Run, String) -> String) {
    let (first, second) = (Run::first(), Run::second());
    let output = second.output();
    let changed = change(&second, output.clone());
    let comparison = compare(&first.output(), &changed);
    assert!(same || changed != output, "nothing was changed");
    assert_eq!(comparison.is_same(), same, "\n{}", comparison.plain());
    assert_eq!(comparison.plain().is_empty(), same);
}

/// Replaces the appearance of `old` that has this number.
fn replace(text: &str, number: usize, old: &str, new: &str) -> String {
    let (at, _) = text.match_indices(old).nth(number).expect("it appears so often");
    format!("{}{new}{}", &text[..at], &text[at + old.len()..])
}

#[test]
fn a_pure_renaming_is_no_difference() {
    check(true, |_, output| output);
    check(true, |run, output| {
        output
            .replace(&run.ids[0], &"12ab".repeat(8))
            .replace("── c0", "── 12")
            .replace("── c\n", "── 1\n")
    });
}

#[test]
fn the_same_output_is_no_difference() {
    for output in [Run::first().output(), String::new(), "\n".into(), "a\r\nb".into()] {
        assert!(compare(&output, &output).is_same());
    }
}

#[test]
fn another_name_or_value() {
    check(false, |_, output| replace(&output, 0, "\"Suomi\"", "\"Norge\""));
    check(false, |_, output| replace(&output, 0, "Kimi Räikkönen", "Kimi Raikkonen"));
    check(false, |_, output| replace(&output, 1, "Vettel", "Vettel "));
    check(false, |_, output| output.replace("cargo run", "cargo test"));
    check(false, |_, output| output.replace("http:", "https:"));
}

#[test]
fn ids() {
    // One that should be the same and is not.
    check(false, |run, output| replace(&output, 1, &run.ids[0], &"3c".repeat(16)));
    // One that should be another and is not.
    check(false, |run, output| output.replace(&run.ids[1], &run.ids[0]));
    // Two that are swapped.
    check(false, |run, output| {
        let once = replace(&output, 1, &run.ids[0], "swapped");
        replace(&once, 0, &run.ids[1], &run.ids[0]).replace("swapped", &run.ids[1])
    });
    // One that is none.
    check(false, |run, output| replace(&output, 0, &run.ids[0], &run.ids[0][1..]));
    check(false, |run, output| replace(&output, 0, &run.ids[0], &run.ids[0].to_uppercase()));
    // A text that looks like what stands for one.
    check(false, |run, output| replace(&output, 0, &run.ids[0], "‹id 1›"));
}

#[test]
fn signatures() {
    check(true, |_, output| output.replace("s1s1s1", "t2-_t2"));
    check(false, |_, output| output.replace("s1s1s1", "s1s1"));
    check(false, |_, output| output.replace(".s1", ":s1"));
}

#[test]
fn times() {
    // `_creation_time` moved.
    check(false, |run, output| {
        replace(&output, 2, &seconds(run.times[0]), &seconds(run.times[0] + 1))
    });
    // `_accessed_time` did not move.
    check(false, |run, output| output.replace(&seconds(run.times[2]), &seconds(run.times[0])));
    // It moved back.
    check(false, |run, output| output.replace(&seconds(run.times[2]), &seconds(run.times[0] - 1)));
    // It moved on by another distance.
    check(true, |run, output| {
        output.replace(&seconds(run.times[2]), &seconds(run.times[2] + 12_345_678))
    });
    // It is no time.
    check(false, |run, output| {
        output.replace(&seconds(run.times[2]), &(run.times[2] / 1_000_000).to_string())
    });
}

#[test]
fn lines_and_exit_status() {
    check(false, |_, output| replace(&output, 0, "}\n", ""));
    check(false, |_, output| replace(&output, 0, "File storage session\n", ""));
    check(false, |_, output| replace(&output, 0, "\n\n", "\n"));
    check(false, |_, output| replace(&output, 0, "\n\n", "\n\n\n"));
    check(false, |_, output| output.replace("[exit status: 1]", "[exit status: 2]"));
    check(false, |_, output| output.replace("[exit status: 1]\n", ""));
    check(false, |_, _| String::new());
}

#[test]
fn folder_names() {
    check(false, |_, output| replace(&output, 0, "── c\n", "── d\n"));
    check(false, |_, output| replace(&output, 0, "── c0\n", "── c1\n"));
    check(false, |_, output| replace(&output, 1, "── c0\n", "── c1\n"));
    check(false, |_, output| replace(&output, 0, "── c0\n", "── c\n"));
    // The names are right, the drawing is not.
    check(false, |_, output| replace(&output, 0, "│       └── c0", "│       ├── c0"));
    check(false, |_, output| replace(&output, 0, "│       └── c0", "│   └── c0"));
}

#[test]
fn bytes_of_a_file() {
    // Every byte but those of the version and the time when it was stored, which nothing else
    // shows; what protects them is the checksum, of which the next test is.
    for at in 0..Run::second().file().len() {
        check(false, |run, output| {
            let mut file = run.file();
            file[at] ^= 1;
            output.replace(&dump(&run.file()), &dump(&file))
        });
    }
    check(false, |run, output| {
        let file = run.file();
        output.replace(&dump(&file), &dump(&file[..file.len() - 1]))
    });
    check(false, |_, output| replace(&output, 0, "|BKF1", "|BKF2"));
    check(false, |_, output| replace(&output, 0, "00000010  ", "00000020  "));
}

#[test]
fn checksums_that_are_right_do_not_hide_a_change() {
    // The payload; the codec; the expiry; the time when it was stored, far away and too early.
    for (at, byte) in [(70, 0), (25, 9), (16, 1), (37, 9), (33, 0)] {
        check(false, |run, output| {
            let mut file = run.file();
            file[at] = byte;
            let record = crc32fast::hash(&[&file[24..26], &file[30..]].concat());
            file[26..30].copy_from_slice(&record.to_le_bytes());
            let whole = crc32fast::hash(&file[8..]);
            file[4..8].copy_from_slice(&whole.to_le_bytes());
            output.replace(&dump(&run.file()), &dump(&file))
        });
    }
}

#[test]
fn shows_the_lines_around_a_difference() {
    let recorded = "$ run\none\ntwo\nthree\nfour: 0123456789abcdef0123456789abcdef is here\nfive";
    let actual = recorded.replace("here", "there").replace("0123", "3210");
    let comparison = compare(recorded, &actual);
    assert_eq!(
        comparison.plain(),
        "- expected, + printed now; ‹…› stands for what differs at every run\n  one\n  two\n  three\n\
         - four: ‹id 1› is here\n+ four: ‹id 1› is there\n  five\n"
    );
    let coloured = comparison.coloured();
    assert!(coloured.contains("\u{1b}[2m\u{1b}[36m‹id 1›\u{1b}[0m"), "{coloured:?}");
    assert!(coloured.contains("\u{1b}[4m"), "{coloured:?}");
}

fn runs() -> impl Strategy<Value = Run> {
    let id = "[0-9a-f]{32}";
    let times =
        (1_000_000_000_000_000u64..9_000_000_000_000_000, 1u64..30_000_000, 1u64..30_000_000);
    (id, id, times, any::<u64>(), any::<u16>())
        .prop_filter("two sessions have two ids", |(one, two, ..)| one != two)
        .prop_map(|(one, two, (created, stored, opened), version, port)| Run {
            ids: [one, two],
            times: [created, created + stored, created + stored + opened],
            version,
            port,
        })
}

proptest! {
    #[test]
    fn every_run_is_the_same_as_every_other(one in runs(), two in runs()) {
        let comparison = compare(&one.output(), &two.output());
        prop_assert!(comparison.is_same(), "{}", comparison.plain());
    }

    #[test]
    fn any_text_compares_with_itself(text in "(?s).{0,300}", other in "[0-9a-f.├─ \n|]{0,300}") {
        prop_assert!(compare(&text, &text).is_same());
        prop_assert!(compare(&other, &other).is_same());
        let same = compare(&text, &other).is_same();
        prop_assert!(!same || compare(&other, &text).is_same());
    }
}
