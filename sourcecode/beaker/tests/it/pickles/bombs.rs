//! Pickles that ask for too much: refused, or read into no more than was written. Counted, and not timed.

use beaker::pickle::{Limits, Pickle, Refused, Why};

use super::read;

fn repeated(begin: &[u8], middle: &[u8], times: usize, end: &[u8]) -> Vec<u8> {
    [begin, &middle.repeat(times), end].concat()
}

#[track_caller]
fn refused(bytes: &[u8]) -> Refused {
    Pickle::read(bytes).expect_err("it is refused")
}

#[track_caller]
fn exceeds(bytes: &[u8], limit: &str) {
    let refused = refused(bytes);
    assert!(matches!(refused.why, Why::Limit { what, .. } if what == limit), "{refused}");
}

/// On as little of a stack as there may be.
fn on_a_small_stack(run: fn()) {
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(run).unwrap();
    thread.join().unwrap();
}

#[test]
fn deep_nesting_takes_no_stack() {
    on_a_small_stack(|| {
        for (open, close) in
            [(&b"]"[..], &b"a"[..]), (b"(", b"l"), (b"(", b"t"), (b"}N", b"s"), (b"(", b"\x91")]
        {
            for levels in [2_000, 9_999] {
                let bytes = [&open.repeat(levels)[..], b"N", &close.repeat(levels), b"."].concat();
                let pickle = read(&bytes);
                assert!(pickle.value(pickle.root()).is_err());
                let again = read(&pickle.write(4));
                assert!(super::same::are_same(&pickle, &again));
                drop(pickle.clone());
            }
            let bytes =
                [&open.repeat(1_000_000)[..], b"N", &close.repeat(1_000_000), b"."].concat();
            assert!(matches!(refused(&bytes).why, Why::Limit { .. }));
        }
        // The same after a fetch, which might have been of what contains itself.
        let bytes = [&b"(]q\0h\0"[..], &b"(".repeat(20_000), &b"l".repeat(20_000), b"t."].concat();
        exceeds(&bytes, "levels");
        let calls = repeated(b"cos\nx\n", b")R", 9_990, b".");
        let written = read(&calls).write(4);
        assert!(super::same::are_same(&read(&calls), &read(&written)));
    });
}

#[test]
fn as_many_objects_as_there_may_be() {
    let limits = Limits { nodes: 10, depth: 5, memo: 3, bytes: 100, ..Limits::default() };
    let read = |bytes: &[u8]| Pickle::read_within(bytes, &limits).map(|pickle| pickle.len());
    let most = |bytes: &[u8]| match read(bytes).unwrap_err().why {
        Why::Limit { what, most } => format!("{most} {what}"),
        why => panic!("{why:?}"),
    };
    assert_eq!(read(&repeated(b"(", b"N", 9, b"t.")), Ok(10));
    assert_eq!(most(&repeated(b"(", b"N", 10, b"t.")), "10 objects");
    // Those that are thrown away count as well.
    assert_eq!(most(&repeated(b"N", b"0N", 10, b".")), "10 objects");
    assert_eq!(read(&repeated(b"]", b"]", 4, b"aaaa.")), Ok(5));
    assert_eq!(most(&repeated(b"]", b"]", 5, b"aaaaa.")), "5 levels");
    assert_eq!(most(b"N\x94\x94\x94\x94."), "3 objects in the memo");
    assert_eq!(read(b"N\x94\x94\x94q\0q\x01."), Ok(1));
    assert_eq!(read(&repeated(b"N", b"", 0, &[b"." as &[u8], &[0; 98]].concat())), Ok(1));
    assert_eq!(most(&repeated(b"N", b"", 0, &[b"." as &[u8], &[0; 99]].concat())), "100 bytes");
}

#[test]
fn a_megabyte_of_anything_is_bounded() {
    const SIZE: usize = 1 << 20;
    exceeds(&repeated(b"", b"N", SIZE, b"."), "objects");
    exceeds(&repeated(b"", b"]", SIZE, b"."), "objects");
    exceeds(&repeated(b"N", b"\x94", SIZE, b"."), "objects in the memo");
    exceeds(&[0_u8; 17 << 20], "bytes");
    // No more than was written, at four bytes for one.
    for middle in [&b"2"[..], b"(", b"N0", b"h\0", b"(1", b"q\xff", b"p1\n", b"\x80\x04"] {
        let bytes = repeated(b"]q\0", middle, 400_000 / middle.len(), b".");
        let _ = Pickle::read(&bytes);
    }
}

#[test]
fn a_list_is_not_deep_because_its_items_know_it() {
    let items = repeated(b"(lp0\n", b"(dp1\nVlist\np2\ng0\nsa", 20_000, b".");
    let pickle = read(&items);
    assert_eq!(pickle.value(pickle.root()).unwrap_err(), "it contains itself");
    assert!(super::same::are_same(&pickle, &read(&pickle.write(4))));
}

#[test]
fn a_text_that_is_fetched_often_is_there_once() {
    let text = "a".repeat(1_000_000);
    let mut bytes =
        [b"}(X\x01\0\0\0nK\x07X\x01\0\0\0aX".as_slice(), &1_000_000_u32.to_le_bytes()].concat();
    bytes.extend(text.as_bytes());
    bytes.extend(b"q\0X\x01\0\0\0b(");
    bytes.extend(b"h\0".repeat(20_000));
    bytes.extend(b"lu.");
    let pickle = read(&bytes);
    assert_eq!(pickle.len(), 7);
    let entry = |key| pickle.value(pickle.entry(pickle.root(), key).unwrap());
    assert_eq!(entry("n"), Ok(7.into()));
    for key in ["a", "b"] {
        assert!(entry(key).unwrap_err().contains("too much memory"), "{key}");
    }
    // It goes back as it came.
    let written = pickle.write(4);
    assert!(written.len() < bytes.len() + 20_000 * 2);
    assert!(super::same::are_same(&pickle, &read(&written)));
    // A few times are no bomb.
    let few = [&b"(X\x01\0\0\0a\x94"[..], &b"h\0".repeat(20_000), b"l."].concat();
    let pickle = read(&few);
    assert_eq!(pickle.value(pickle.root()).unwrap().as_list().unwrap().len(), 20_001);
}

#[test]
fn what_doubles_64_times_is_not_written_out() {
    for (double, why) in [(&b"(22l"[..], "something else has too"), (b"2\x86", "too much memory")] {
        // Each one has the one before it twice.
        let bytes = match double {
            b"2\x86" => repeated(b"K\x01)", b"2\x86", 64, b"."),
            _ => {
                let lists =
                    (0..64_u8).flat_map(|at| [b'(', b'h', at, b'h', at, b'l', b'q', at + 1]);
                [b"]q\0".to_vec(), lists.collect(), b".".to_vec()].concat()
            }
        };
        let pickle = read(&bytes);
        assert!(pickle.len() < 70);
        let refused = pickle.value(pickle.root()).unwrap_err();
        assert!(refused.contains(why) || refused.contains("64 levels"), "{refused}");
        assert!(pickle.write(4).len() < 400);
    }
}

#[test]
fn a_size_that_is_only_claimed_is_not_allocated() {
    for bytes in [
        &b"\x8b\xff\xff\xff\x7f."[..],
        b"X\xff\xff\xff\xff.",
        b"B\xff\xff\xff\xff.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x96\0\0\0\0\0\0\0\x10.",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\xff.",
    ] {
        assert!(refused(bytes).to_string().ends_with("ends in the middle"));
    }
    // The largest numbers in a memo.
    let pickle = read(b"Nr\xff\xff\xff\xff0j\xff\xff\xff\xff.");
    assert_eq!(pickle.len(), 1);
    read(b"Np18446744073709551615\n0g18446744073709551615\n.");
    refused(b"Np18446744073709551616\n.");
    // More digits than Python reads.
    read(&repeated(b"L", b"9", 4300, b"L\n."));
    refused(&repeated(b"L", b"9", 4301, b"L\n."));
}

/// Tuples that contain themselves in many ways are begun twice, and not once for each way.
#[test]
fn many_ways_back_to_a_tuple_are_written_in_one_pass() {
    // A tuple of lists, each of which has the tuple; the same with the lists as arguments of a call.
    for (before, after) in [(&b"("[..], &b"t"[..]), (b"cos\nx\n(", b"tR")] {
        let count = 20_000_u32;
        let mut bytes = before.to_vec();
        for at in 0..count {
            bytes.extend([b"]r".as_slice(), &at.to_le_bytes()].concat());
        }
        bytes.extend(after);
        bytes.extend([b"r".as_slice(), &count.to_le_bytes()].concat());
        for at in 0..count {
            let fetch = |at: u32| [b"j".as_slice(), &at.to_le_bytes()].concat();
            bytes.extend([fetch(at), fetch(count), b"a0".to_vec()].concat());
        }
        bytes.push(b'.');
        let pickle = read(&bytes);
        for protocol in [2, 4] {
            let written = pickle.write(protocol);
            assert!(written.len() < 4 * bytes.len(), "{}", written.len());
            assert!(super::same::are_same(&pickle, &read(&written)));
        }
    }
}
