//! The built-in memcached answers as the installed one does, to the letter.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use servers::installed::{self, Installed};
use servers::memcached::Memory;
use servers::{BuiltIn, Error};

/// What a client says on one connection; `@` stands for a line's end. Each script begins with
/// empty servers that have given out as many cas as each other.
const SCRIPTS: &[&str] = &[
    // A life.
    "mg a v@ms a 3 c@abc@mg a v c f t s k O7@mg a@mg a s v@mg a q@mg zz q@mg zz O4 k@mn@",
    "ms a 3 T100 F5@abc@mg a t f s v k O12 h l@mg a h l t@mg a u h@",
    "ms a 2@ab@mg a@mg a h@ms a 2@ab@mg a u@mg a h@",
    "ms e 0@@mg e v s@mg e  v   s @",
    "ms a 2 P1 L2 k@ab@mg a P123 Lxyz v k@ms a 2 s k@ab@",
    // Conditions.
    "ms a 3 MS@abc@ms a 3 ME c k O1@xyz@ms b 1 MA@x@ms b 1 MR O2 k@x@ms b 1 ME@x@mg b v@",
    "ms a 3 C0 c@abc@ms a 3 C5 c k O3@abc@ms a 1@x@ms a 3 C99999 c@abc@mg a v@ms a 1 Me@x@",
    "ms ap 2 F3 T90@ab@ms ap 2 MA F5@cd@ms ap 1 MP@X@mg ap v f t@ms ap 1 MA C1@x@mg ap v@",
    "md no O5 k@md no C4@ms a 2@ab@md a C1 k O1@md a k O2@mg a v@",
    "ms a 3 q@abc@ms a 3 q ME@abc@mg a v q k@md a q@md a q@mn@",
    // Expiry.
    "ms a 3 T-1@abc@mg a v t@ms a 3 T2592001@abc@mg a v t@ms a 3 T2592000@abc@mg a v t@",
    "ms a 3 T0@abc@mg a v t T50@mg a t@mg a T-1 v@mg a v@ms b 1 T-1@x@ms b 1 ME@y@mg b v@",
    "ms a 1 T-1@x@md a@ms a 1 T-1@x@ms a 1 MR@x@ms a 1 T-1@x@ma a@mg a v@",
    // Stale items and those who make them anew.
    "ms a 2@ab@md a I T30 k O3@mg a v t@mg a v@ms a 2@cd@mg a v@md a I@mg a v t@",
    "mg v1 N30 v t@mg v1 N30 v t@mg v1@ms v1 2@ab@mg v1 v t R40@mg v1 T30 v t R40@mg v1 v R40@",
    "ms s 2@ab@ms s 2 I C1@cd@mg s v@ms s 2 I@ef@mg s v@",
    // Numbers.
    "ma no@ma n N0 J13 v@ma n v t D5 k O8@ma n MD D3 v@ma n MD D300 v@ma n@ma n M+ v@ma n M- v@",
    "ma n N9 t v@ma n MI v@ma n Mx v@ma n C4 v@ma n q@ma no q@ma n T70 t v@ma n Md v@ma n Mi v@mg n v@",
    "ms a 2@ab@ma a@ma a N0 v@ms a 20@18446744073709551615@ma a v@",
    "ms a 21@118446744073709551615@ma a v@ms a 1 F9 T100@9@ma a v@mg a v f t s@ma a MD v@mg a s v@",
    // Keys.
    "ms YSBrZXk= 2 b k O1@ab@mg YSBrZXk= b v@mg YSBrZXk= b v k@mg YSBrZXk= v k@md YSBrZXk= b k@md YSBrZXk= b k@",
    "mg !!!! b v@mg abc b v@ms !!! 2 b@ab@mn@",
    "ms \u{7f}ключ 1 k@x@mg \u{7f}ключ v k@mg a\tb v@",
    // Mistakes.
    "nope@@MG a@mg@ms@ms a@ms a x@ms a -1@ms a 2147483647@md@ma@me@mn x@mn @ mn@",
    "ms a 3@abcde@mn@",
    "ms a 3 T@abc@ms a 3 Tx@abc@ms a 3 Fx@abc@ms a 3 z@abc@ms a 3 Cx@abc@ms a 3 k k@abc@mn@",
    "ms a 3 MX@abc@ms a 3 Mset@abc@ms a 3 ma@abc@ms a 2 S3@ab@ms a 2 E777@ab@mg a v@mn@",
    "mg a v v@mg a Tq@mg a z@mg a N@mg a R@md a z@md a C@md a Tx@md a x@md a k k@ma a Dx@ma a z@",
    "mg a Oooooooooooooooooooooooooooooooo@mg a Ooooooooooooooooooooooooooooooooo@mn@",
    // Everything else.
    "version@version x@flush_all x@flush_all -1@flush_all noreply@mn@",
    "ms a 1@x@flush_all@mg a v@ms a 1@x@mg a v@flush_all 0@mg a@",
    "me a@ms a 2@ab@me a@mg a@me a@quit@mn@",
];

#[servers::needs(memcached)]
#[test]
fn built_in_answers_as_the_installed_one() -> Result<(), Error> {
    let both = Both::start()?;
    for script in SCRIPTS {
        both.check(&script.replace('@', "\r\n"));
    }
    Ok(())
}

#[servers::needs(memcached)]
#[test]
fn limits_are_the_same() -> Result<(), Error> {
    let both = Both::start()?;
    for length in [250, 251] {
        let key = "k".repeat(length);
        both.check(&format!("ms {key} 2\r\nab\r\nmg {key} v k\r\nmd {key}\r\nmn\r\n"));
    }
    let largest = 1024 * 1024 - 62;
    for length in [largest, largest + 1, 1024 * 1024, 1024 * 1024 + 1, 3_000_000] {
        let value = "x".repeat(length);
        both.check(&format!("ms big 1\r\nx\r\nms big {length}\r\n{value}\r\nmg big s\r\n"));
    }
    both.check(&"x".repeat(3000));
    both.check(&format!("mg {}\r\nmn\r\n", "x".repeat(1500)));
    both.check("\n\nmn\n");
    Ok(())
}

#[test]
fn each_write_has_a_cas_of_its_own() -> Result<(), Error> {
    let server = BuiltIn::memcached()?;
    let script =
        "ms a 1 c\r\nx\r\nms b 1 c\r\nx\r\nflush_all\r\nms a 1 c\r\nx\r\nmd a I\r\nmg a c\r\n";
    let answer = say(server.address(), script);
    assert_eq!(answer, "HD c1\r\nHD c2\r\nOK\r\nHD c4\r\nHD\r\nHD c5 X W\r\n");
    let again = "ms a 1 C4\r\ny\r\nms a 1 C5 c\r\ny\r\nmd a C5\r\nmd a C6\r\n";
    assert_eq!(say(server.address(), again), "EX\r\nHD c6\r\nEX\r\nHD\r\n");
    Ok(())
}

#[test]
fn items_expire_when_their_time_has_come() -> Result<(), Error> {
    let server = BuiltIn::memcached()?;
    say(server.address(), "ms a 1 T60\r\nx\r\nms b 1 T120\r\nx\r\n");
    server.advance(Duration::from_secs(61));
    assert_eq!(say(server.address(), "mg a v\r\nmg b t\r\n"), "EN\r\nHD t59\r\n");
    Ok(())
}

/// The installed memcached and ours.
struct Both {
    installed: Installed,
    built_in: BuiltIn<Memory>,
}

impl Both {
    /// Nothing if none is installed and none is required.
    fn start() -> Result<Both, Error> {
        let program = installed::find("memcached").expect("it is installed");
        let installed = Installed::memcached(&program)?;
        Ok(Both { installed, built_in: BuiltIn::memcached()? })
    }

    fn check(&self, script: &str) {
        let [expected, actual] =
            [self.installed.address(), self.built_in.address()].map(|server| {
                say(server, "flush_all\r\n");
                say(server, script)
            });
        assert!(
            expected == actual,
            "{}\n--- installed\n{}\n--- built-in\n{}",
            shorten(script),
            shorten(&expected),
            shorten(&actual)
        );
    }
}

fn shorten(text: &str) -> &str {
    text.char_indices().nth(1000).map_or(text, |(end, _)| &text[..end])
}

/// Sends a script and returns all that is answered until nothing more can come.
fn say(address: SocketAddr, script: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(300))).expect("a timeout can be set");
    stream.write_all(script.as_bytes()).expect("the server reads");
    stream.shutdown(Shutdown::Write).expect("the connection is open");
    let mut answer = Vec::new();
    // A server that closes with something unread resets the connection.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
