//! What is refused, and where.

use beaker::pickle::{Pickle, Refused, Why};

#[track_caller]
fn refused(bytes: &[u8]) -> Refused {
    match Pickle::read(bytes) {
        Ok(_) => panic!("{} is read", bytes.escape_ascii()),
        Err(refused) => refused,
    }
}

#[test]
fn what_is_outside_the_pickle_is_refused() {
    for (bytes, name) in [
        (&b"P12\n."[..], "PERSID"),
        (b"K\x01Q.", "BINPERSID"),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
        (b"\x80\x05C\x01a\x98.", "READONLY_BUFFER"),
    ] {
        let refused = refused(bytes);
        assert_eq!(refused.why, Why::Outside);
        let shown = refused.to_string();
        assert!(shown.contains(&format!(", {name}: it refers to something outside")), "{shown}");
    }
}

#[test]
fn unknown_instructions_are_refused() {
    // As many as `pickletools` has are known; one of them ends this pickle.
    let others = (0..=255_u8).filter(|code| *code != b'.');
    let known = others.filter(|code| {
        !matches!(Pickle::read(&[b'N', *code]), Err(Refused { why: Why::Unknown, .. }))
    });
    assert_eq!(known.count(), 67);
}

#[test]
fn errors_name_the_instruction_and_its_byte() {
    let shown = refused(b"\x80\x04N0N\x00.").to_string();
    assert_eq!(
        shown,
        "the pickle is refused at byte 5, opcode 0x00: no protocol up to 5 has this opcode"
    );
    let shown = refused(b"]K\x01h\x07a.").to_string();
    assert_eq!(
        shown,
        "the pickle is refused at byte 3, BINGET: there is nothing with this number in the memo"
    );
    assert_eq!(
        refused(b"N").to_string(),
        "the pickle is refused at byte 1: the pickle ends in the middle"
    );
}

#[test]
fn what_python_could_not_load_is_refused() {
    for bytes in [
        &b""[..],
        b".",
        b"(.",
        b"(N",
        b"0.",
        b"2.",
        b"1.",
        b"t.",
        b"l.",
        b"(Nd.",
        b"(Nu.",
        b"}(Nu.",
        b"}Ns.",
        b"Na.",
        b"NNa.",
        b"NNb.",
        b"]Nb.",
        b"]NNs.",
        b"}Na.",
        b")Na.",
        b"](N\x90.",
        b"\x85.",
        b"N\x86.",
        b"(NNN\x87(\x87.",
        b"NN(\x86.",
        b"\x80\x06N.",
        b"\x80",
        b"K",
        b"J\0\0\0",
        b"G\0\0\0\0\0\0\0",
        b"X\x02\0\0\0a.",
        b"X\x01\0\0\0\xff.",
        b"\x8c\x03\xed\xa0\x41.",
        b"C\x02a",
        b"\x8b\xff\xff\xff\xff.",
        b"T\xff\xff\xff\xffa.",
        b"U\x01\xff.",
        b"I1_0\n.",
        b"I\n.",
        b"I-\n.",
        b"I0x1\n.",
        b"I 1\n.",
        b"I007\n.",
        b"I1",
        b"L1.5\n.",
        b"Fx\n.",
        b"F\n.",
        b"S'a\n.",
        b"Sa\n.",
        b"S'\n.",
        b"S'\\xg0'\n.",
        b"S'\\777'\n.",
        b"S'\\",
        b"S'\xff'\n.",
        b"V\\u12\n.",
        b"V\\U00110000\n.",
        b"p0\n.",
        b"Np-1\n.",
        b"Np+1\n.",
        b"Np\n.",
        b"Npx\n.",
        b"g0\n.",
        b"h\0.",
        b"j\0\0\0\0.",
        b"q\0.",
        b"\x94.",
        b"cos\n",
        b"c\xff\n\n.",
        b"cos\nsystem\n]R.",
        b"cos\nsystem\nNR.",
        b"NNR.",
        b"])R.",
        b"N)\x81.",
        b"cos\nsystem\n)N\x92.",
        b"cos\nsystem\n)]\x92.",
        b"N)}\x92.",
        b"ios\nsystem\n.",
        b"(o.",
        b"(No.",
        b"NN\x93.",
        b"\x8c\x02osN\x93.",
        b"C\x02os\x8c\x06system\x93.",
        b"\x82\0.",
        b"\x84\0\0\0\x80.",
        b"\x95\0\0\0\0\0\0\0",
        b"\x95\x05\0\0\0\0\0\0\0N.",
    ] {
        let refused = refused(bytes);
        assert!(matches!(refused.why, Why::Malformed(_)), "{refused}: {}", bytes.escape_ascii());
        assert!(refused.at <= bytes.len());
    }
}

#[test]
fn calls_are_kept_and_not_made() {
    // Python would run these.
    for bytes in [
        &b"cos\nsystem\n(S'echo'\ntR."[..],
        b"(S'echo'\nios\nsystem\n.",
        b"(cos\nsystem\nS'echo'\no.",
    ] {
        let pickle = super::read(bytes);
        assert_eq!(pickle.value(pickle.root()).unwrap_err(), "it is a Python `os.system`");
        assert!(pickle.write(4).windows(6).any(|bytes| bytes == b"system"));
    }
    // What could not be shown is not.
    for bytes in [&b"c\x1b[31m\nx\n)R."[..], b"cos\n\n)R.", b"c<b>\nx\n)R."] {
        let pickle = super::read(bytes);
        assert_eq!(pickle.value(pickle.root()).unwrap_err(), "it is an object of Python");
    }
}

#[test]
fn what_follows_the_end_is_not_looked_at() {
    assert!(Pickle::read(b"N.\0\0").is_ok());
}
