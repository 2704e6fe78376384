//! The built-in redis answers as the installed one does, to the letter.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use servers::installed::{self, Installed};
use servers::redis::Keyspace;
use servers::{BuiltIn, Error};

const PUT: &str = include_str!("../../beaker/src/store/redis/put_unchanged.lua");
const DELETE: &str = include_str!("../../beaker/src/store/redis/delete_unchanged.lua");
const COUNT: &str = include_str!("../../beaker/src/store/redis/increment.lua");

/// What a client says on one connection: a command a line, its words separated by spaces. `PUT`,
/// `DELETE` and `COUNT` stand for the library's scripts, `~` for nothing. Each begins with empty servers.
const SCRIPTS: &[&str] = &[
    // A life.
    "PING\nPING hello\nping a b\nGET a\nSET a abc\nGET a\nget a b\nGET\nEXISTS a a b\nEXISTS\nDEL a b\n\
     DEL a\nDEL\nUNLINK a\nSET a ~\nGET a\nUNLINK a b\nSELECT 0\nSELECT 16\nSELECT x\nSELECT",
    // Conditions.
    "SET a 1 NX\nSET a 2 NX\nGET a\nSET a 3 XX\nSET b 1 XX\nGET a\nGET b\nSET a 4 GET\nSET b 5 GET\n\
     SET c 6 NX GET\nSET c 7 NX GET\nGET c\nSET a 1 NX XX\nSET a 1 XX NX\nSET a\nSET a 1 FOO",
    // Times.
    "SET a 1 PX 100000\nSET a 1 px 0\nSET a 1 PX -5\nSET a 1 PX x\nSET a 1 PX\nSET a 1 EX 1 PX 1\n\
     SET a 1 EX 100\nSET a 2 KEEPTTL\nSET a 1 EX 9223372036854775807\nSET a 1 PX 9223372036854775807\n\
     SET a 1 EX 10 KEEPTTL\nSET b 1\nPTTL b\nPTTL none\nPTTL\nPEXPIRE none 5\nPEXPIRE b x\nPEXPIRE b -1\n\
     GET b\nPEXPIRE b\nSET c 1 PXAT 1\nGET c\nPEXPIRE b 9223372036854775807\nSET d 1 PX 010\nEXISTS c",
    // Scripts.
    "EVALSHA PUTSHA 1 a 12345678 12345678new\nSCRIPT LOAD PUT\nSCRIPT LOAD DELETE\n\
     EVALSHA PUTSHA 1 a 12345678 12345678new\nSET a 12345678old\nEVALSHA PUTSHA 1 a 12345679 x\nGET a\n\
     EVALSHA putsha 1 a 12345678 87654321new\nGET a\nEVALSHA DELSHA 1 a 12345678\n\
     EVALSHA DELSHA 1 a 87654321\nGET a\nEVALSHA DELSHA 1 a 87654321",
    "EVAL PUT 1 a 12345678 x\nSET a 12345678\nEVAL PUT 1 a 12345678 87654321 PX 50000\nGET a\n\
     EVAL DELETE 1 a 87654321\nGET a\nEVAL PUT x\nEVAL PUT -1\nEVAL PUT 2 a\nEVAL PUT\nEVALSHA DELSHA",
    "SCRIPT EXISTS PUTSHA 0000\nSCRIPT LOAD\nSCRIPT EXISTS\nSCRIPT FLUSH\nSCRIPT EXISTS PUTSHA\n\
     EVALSHA DELSHA 1 a 12345678\nSCRIPT",
    // A counter, with a version before its digits.
    "EVALSHA COUNTSHA 1 a 12345678 1\nEVAL COUNT 1 a 12345678 5 PX 50000\nGET a\nEVAL COUNT 1 a 87654321 7\n\
     EVALSHA COUNTSHA 1 a 12345678 990\nGET a\nSET a 12345678x\nEVAL COUNT 1 a 12345678 1\nGET a\n\
     SET b 123456789007199254740990\nEVAL COUNT 1 b 12345678 1\nEVAL COUNT 1 b 12345678 1\nGET b\n\
     SET c 12345678\nEVAL COUNT 1 c 12345678 1\nSET c 1234\nEVAL COUNT 1 c 12345678 1\n\
     SET c 1234567800000000000000000\nEVAL COUNT 1 c 12345678 1\nEVAL COUNT 1 d 12345678 0\nGET d",
    // Looking through all keys.
    "SCAN 0\nSET a:1 x\nSCAN 0 MATCH a:*\nSCAN 0 MATCH b* COUNT 1000\nSCAN 0 COUNT 0\nSCAN 0 COUNT x\n\
     SCAN x\nSCAN\nSCAN 0 MATCH\nSCAN 0 FOO bar\nSCAN 0 count 5 match ?:[0-9]\nFLUSHALL\nSCAN 0\nFLUSHALL x",
    // Everything else.
    "NOPE\nNOPE a b\nCLUSTER SLOTS\nCLIENT SETNAME x\nCLIENT\nHELLO x\nHELLO 9\nQUIT\nPING",
];

#[servers::needs(redis)]
#[test]
fn built_in_answers_as_the_installed_one() -> Result<(), Error> {
    let both = Both::start()?;
    for script in SCRIPTS {
        let commands: Vec<u8> = script.lines().flat_map(command).collect();
        both.check(&commands);
    }
    Ok(())
}

#[servers::needs(redis)]
#[test]
fn limits_and_mistakes_are_the_same() -> Result<(), Error> {
    let both = Both::start()?;
    for script in [
        "PING\r\n\r\n  get   a \r\nPING\n",
        "*1\r\n$4\r\nPING\r\n*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n",
        "*x\r\n",
        "*9999999999\r\n",
        "*1\r\n+PING\r\n",
        "*1\r\n$-1\r\n",
        "*1\r\n$x\r\n",
        "*1\r\n$536870913\r\n",
        "*2\r\n$3\r\nGET\r\n",
    ] {
        both.check(script.as_bytes());
    }
    both.check("x".repeat(70_000).as_bytes());
    both.check(format!("*{}", "1".repeat(70_000)).as_bytes());
    both.check(format!("*1\r\n${}", "1".repeat(70_000)).as_bytes());
    let large = vec![0xa5; 3_000_000];
    let set = [b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$3000000\r\n".as_slice(), &large, b"\r\n"].concat();
    both.check(&[set.as_slice(), &command("GET a"), &command("PING")].concat());
    Ok(())
}

#[test]
fn a_scan_gives_every_key_that_stays() -> Result<(), Error> {
    let server = BuiltIn::redis()?;
    let sets: String = (0..500).map(|key| format!("SET k{key} x\r\n")).collect();
    say(server.address(), sets.as_bytes());
    let (mut cursor, mut found) = ("0".to_owned(), 0);
    loop {
        let answer = say(server.address(), format!("SCAN {cursor} COUNT 7\r\n").as_bytes());
        let mut words = answer.split("\r\n").filter(|word| !word.starts_with(['*', '$']));
        cursor = words.next().unwrap_or_default().to_owned();
        let keys: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        found += keys.len();
        // What is removed on the way does not make it skip anything.
        for key in keys {
            say(server.address(), format!("DEL {key}\r\n").as_bytes());
        }
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(found, 500);
    Ok(())
}

#[test]
fn keys_expire_when_their_time_has_come() -> Result<(), Error> {
    let server = BuiltIn::redis()?;
    say(server.address(), b"SET a x PX 60000\r\nSET b x PX 120000\r\nSET c x\r\n");
    server.advance(Duration::from_millis(60_001));
    let answer = say(server.address(), b"GET a\r\nEXISTS b\r\nPTTL c\r\nSET a y NX\r\nPTTL a\r\n");
    assert_eq!(answer, "$-1\r\n:1\r\n:-1\r\n+OK\r\n:-1\r\n");
    let left = say(server.address(), b"PTTL b\r\n");
    assert!(left.starts_with(":59"), "{left}");
    Ok(())
}

/// A line as an array of strings.
fn command(line: &str) -> Vec<u8> {
    let mut command = format!("*{}\r\n", line.split(' ').count()).into_bytes();
    for word in line.split(' ') {
        let word = match word {
            "PUT" => PUT,
            "DELETE" => DELETE,
            "COUNT" => COUNT,
            "PUTSHA" => "d9db10ba2a68115afa6a65241e9cbb77e51d31c1",
            "putsha" => "D9DB10BA2A68115AFA6A65241E9CBB77E51D31C1",
            "DELSHA" => "3e1997c6e817791b48f2dd7aa8ebddd400754e2d",
            "COUNTSHA" => "098acf037aa1ee06a0abefed5c98aeaf2be2f7f3",
            "~" => "",
            word => word,
        };
        command.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    command
}

/// The installed redis and ours.
struct Both {
    installed: Installed,
    built_in: BuiltIn<Keyspace>,
}

impl Both {
    /// Nothing if none is installed and none is required.
    fn start() -> Result<Both, Error> {
        let program = installed::find("redis-server").expect("it is installed");
        Ok(Both { installed: Installed::redis(&program)?, built_in: BuiltIn::redis()? })
    }

    fn check(&self, commands: &[u8]) {
        let [expected, actual] =
            [self.installed.address(), self.built_in.address()].map(|server| {
                say(server, b"FLUSHALL\r\nSCRIPT FLUSH\r\n");
                say(server, commands)
            });
        assert!(
            expected == actual,
            "{}\n--- installed\n{}\n--- built-in\n{}",
            shorten(&String::from_utf8_lossy(commands)),
            shorten(&expected),
            shorten(&actual)
        );
    }
}

fn shorten(text: &str) -> &str {
    text.char_indices().nth(3000).map_or(text, |(end, _)| &text[..end])
}

/// Sends commands and returns all that is answered until nothing more can come.
fn say(address: SocketAddr, commands: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(300))).expect("a timeout can be set");
    let mut writer = stream.try_clone().expect("the connection is open");
    let mut answer = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A server that refuses the beginning closes before the end is sent.
            let _ = writer.write_all(commands);
            let _ = writer.shutdown(Shutdown::Write);
        });
        let _ = stream.read_to_end(&mut answer);
    });
    String::from_utf8_lossy(&answer).into_owned()
}
