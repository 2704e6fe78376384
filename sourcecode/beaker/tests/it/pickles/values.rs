//! Nodes as values, and values as nodes.

use beaker::Value;
use beaker::pickle::{Node, Pickle};

use super::read;

fn value(bytes: &[u8]) -> Result<String, String> {
    let pickle = read(bytes);
    let value = pickle.value(pickle.root());
    value.map(|value| format!("{value:?}")).map_err(std::borrow::Cow::into_owned)
}

#[test]
fn the_last_value_of_a_key_wins_in_its_first_place() {
    let bytes =
        b"}(U\x01aK\x01U\x01bK\x02U\x01aK\x03K\x01K\x04G?\xf0\0\0\0\0\0\0K\x05\x88K\x06NK\x07u.";
    let pickle = read(bytes);
    let entries = pickle.entries(pickle.root()).unwrap();
    let shown = entries
        .iter()
        .map(|&(key, value)| format!("{:?} {:?}", pickle.node(key), pickle.node(value)));
    assert_eq!(
        shown.collect::<Vec<_>>(),
        ["Text(\"a\") Int(3)", "Text(\"b\") Int(2)", "Int(1) Int(6)", "None Int(7)"]
    );
    assert_eq!(pickle.entry(pickle.root(), "a"), Some(entries[0].1));
    assert_eq!(pickle.entry(pickle.root(), "c"), None);
    assert_eq!(value(b"}(U\x01aK\x01U\x01aK\x02u."), Ok("{\"a\": 2}".to_owned()));
}

#[test]
fn as_many_levels_as_values_have() {
    let nested =
        |levels: usize| [&b"]".repeat(levels)[..], b"N", &b"a".repeat(levels), b"."].concat();
    assert!(value(&nested(63)).is_ok());
    assert_eq!(value(&nested(64)).unwrap_err(), "it is nested more than 64 levels deep");
    let deep = |levels| (0..levels).fold(Value::Null, |inner, _| Value::from(vec![inner]));
    let mut pickle = Pickle::new();
    let id = pickle.add(&deep(63)).unwrap();
    assert_eq!(pickle.value(id), Ok(deep(63)));
    for levels in [64, 100_000] {
        assert!(pickle.add(&deep(levels)).unwrap_err().to_string().contains("64 levels"));
    }
}

#[test]
fn what_is_shared_is_a_value_only_if_nobody_can_tell() {
    // A text and a tuple of texts, twice.
    assert_eq!(
        value(b"(U\x01aq\0h\0\x85q\x01h\x01h\0l."),
        Ok(r#"["a", ["a"], ["a"], "a"]"#.to_owned())
    );
    // A list in a tuple that is shared is shared.
    let why = "it has a list or a dict that something else has too";
    assert_eq!(value(b"(]\x85q\x01h\x01l."), Err(why.to_owned()));
    // Elsewhere than where the value is.
    let pickle = read(b"}(U\x01a]q\0U\x01bh\0U\x01cNu.");
    let entry = |key| pickle.value(pickle.entry(pickle.root(), key).unwrap());
    assert_eq!((entry("a").unwrap_err(), entry("b").unwrap_err()), (why.into(), why.into()));
    assert_eq!(entry("c"), Ok(Value::Null));
    // What was thrown away has no share in it.
    assert_eq!(value(b"]q\0\x850h\0."), Ok("[]".to_owned()));
    assert_eq!(value(b"]q\0h\0a."), Err("it contains itself".to_owned()));
}

#[test]
fn bytes_of_protocol_2_are_bytes() {
    let call = |text: &str, coding: &str| {
        let mut bytes = b"\x80\x02c_codecs\nencode\n".to_vec();
        for text in [text, coding] {
            bytes.push(b'X');
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        [&bytes, &b"\x86R."[..]].concat()
    };
    assert_eq!(value(&call("\0a\u{ff}", "latin1")), Ok(r#"b"\x00a\xff""#.to_owned()));
    let other = Err("it is a Python `_codecs.encode`".to_owned());
    assert_eq!(value(&call("\u{100}", "latin1")), other);
    assert_eq!(value(&call("a", "rot13")), other);
    assert_eq!(value(b"c__builtin__\nbytes\n)R."), Ok(r#"b"""#.to_owned()));
    assert_eq!(value(b"c__builtin__\nbytes\n)RNb."), Err("it is a Python `bytes`".to_owned()));
    let mut pickle = Pickle::new();
    let root = pickle.add(&b"\0a\xff".as_slice().into()).unwrap();
    pickle.set_root(root);
    let call = call("\0a\u{ff}", "latin1");
    let (call, _stop) = call.split_at(call.len() - 1);
    assert_eq!(pickle.write(2), [call, b"q\0."].concat());
}

#[test]
fn what_the_root_does_not_lead_to_is_not_written() {
    let mut pickle = read(b"\x80\x04}(\x8c\x03oldK\x01\x8c\x04goneX\x06\0\0\0secretu.");
    let old = pickle.entry(pickle.root(), "old").unwrap();
    let key = pickle.add_text("new");
    let new = pickle.add(&Value::from(vec![1.5])).unwrap();
    let kept = pickle.add_text("old");
    let root = pickle.add_dict([(kept, old), (key, new)]);
    pickle.set_root(root);
    let written = pickle.write(4);
    assert!(!written.windows(6).any(|bytes| bytes == b"secret"));
    let again = read(&written);
    assert_eq!(format!("{:?}", again.value(again.root()).unwrap()), r#"{"new": [1.5], "old": 1}"#);
    assert_eq!(Pickle::new().write(4), b"\x80\x04N.");
}

#[test]
fn a_protocol_that_has_not_what_is_there_gives_way() {
    for (bytes, asked, written) in [
        (&b"\x80\x04\x8f."[..], 2, 4),
        (b"\x80\x05\x96\x01\0\0\0\0\0\0\0a.", 2, 5),
        (b"\x80\x05\x96\x01\0\0\0\0\0\0\0a.", 4, 5),
        (b"\x80\x04\x8c\x02os\x8c\x01x\x93.", 2, 4),
        (b"\x80\x02cos\nx\n.", 2, 2),
        (b"\x80\x02cos\nx\n.", 0, 2),
        (b"N.", 3, 4),
        (b"N.", 9, 5),
        (b"\x80\x05N.", 2, 2),
    ] {
        assert_eq!(read(bytes).write(asked)[1], written, "{}", bytes.escape_ascii());
    }
    // Names of Python 2 stay what they are, in the middle of protocol 4.
    let written = read(b"\x80\x02c__builtin__\nset\n.").write(4);
    assert_eq!(written[11..], *b"\x80\x02c__builtin__\nset\n\x80\x04\x94.");
    assert!(matches!(
        read(&written).node(read(&written).root()),
        Node::Global { is_python_2: true, .. }
    ));
}
