//! What a built-in server does when it is told to fail, and afterwards.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use servers::{BuiltIn, Error, Fault};

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(300))).expect("a timeout can be set");
    stream
}

/// What comes back for a no-op, up to five bytes.
fn ask(stream: &mut TcpStream) -> String {
    let mut answer = [0; 4];
    let mut got = 0;
    if stream.write_all(b"mn\r\n").is_ok() {
        while got < answer.len() {
            match stream.read(&mut answer[got..]) {
                Ok(read @ 1..) => got += read,
                _ => break,
            }
        }
    }
    String::from_utf8_lossy(&answer[..got]).into_owned()
}

#[test]
fn refuses_and_recovers() -> Result<(), Error> {
    let server = BuiltIn::memcached()?;
    let mut open = connect(server.address());
    assert_eq!(ask(&mut open), "MN\r\n");
    server.fault(Fault::Refuse);
    assert_eq!(ask(&mut open), "", "an open connection is dropped");
    assert_eq!(ask(&mut connect(server.address())), "", "a new one is of no use");
    server.fault(Fault::None);
    assert_eq!(ask(&mut connect(server.address())), "MN\r\n");
    Ok(())
}

#[test]
fn hangs_until_it_is_told_otherwise() -> Result<(), Error> {
    let server = BuiltIn::memcached()?;
    server.fault(Fault::Hang);
    let mut stream = connect(server.address());
    stream.write_all(b"mn\r\n").expect("the server reads");
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout can be set");
    let error = stream.read(&mut [0; 4]).expect_err("nothing is answered");
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    server.fault(Fault::None);
    stream.set_read_timeout(Some(Duration::from_secs(300))).expect("a timeout can be set");
    assert_eq!(stream.read(&mut [0; 4]).unwrap_or(0), 0, "the connection is closed");
    assert_eq!(ask(&mut connect(server.address())), "MN\r\n");
    Ok(())
}

#[test]
fn stops_at_once_while_it_hangs_or_is_slow() -> Result<(), Error> {
    for fault in [Fault::Hang, Fault::Slow(Duration::from_secs(3600))] {
        let mut server = BuiltIn::memcached()?;
        server.fault(fault);
        let mut stream = connect(server.address());
        stream.write_all(b"mn\r\n").expect("the server reads");
        // The slow answer would take an hour.
        let begun = Instant::now();
        server.stop();
        assert!(begun.elapsed() < Duration::from_secs(1800), "{fault:?}");
    }
    Ok(())
}

#[test]
fn is_slow() -> Result<(), Error> {
    let server = BuiltIn::memcached()?;
    server.fault(Fault::Slow(Duration::from_millis(30)));
    let begun = Instant::now();
    assert_eq!(ask(&mut connect(server.address())), "MN\r\n");
    assert!(begun.elapsed() >= Duration::from_millis(30));
    Ok(())
}

#[test]
fn cuts_answers() -> Result<(), Error> {
    let server = BuiltIn::memcached()?;
    for bytes in 0..4 {
        server.fault(Fault::CutAnswer(bytes));
        assert_eq!(ask(&mut connect(server.address())), "MN\r\n"[..bytes]);
    }
    server.fault(Fault::None);
    assert_eq!(ask(&mut connect(server.address())), "MN\r\n");
    Ok(())
}

#[test]
fn starts_again_on_the_same_port_and_empty() -> Result<(), Error> {
    let mut server = BuiltIn::memcached()?;
    let address = server.address();
    let mut stream = connect(address);
    stream.write_all(b"ms a 1\r\nx\r\n").expect("the server reads");
    stream.read_exact(&mut [0; 4]).expect("the server answers");
    server.stop();
    server.stop();
    let error = TcpStream::connect(address).expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    server.start_again()?;
    server.start_again()?;
    assert_eq!(server.address(), address);
    let mut stream = connect(address);
    stream.write_all(b"mg a v\r\n").expect("the server reads");
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).expect("the server answers");
    assert_eq!(&answer, b"EN\r\n");
    assert_eq!(server.commands(), 2);
    Ok(())
}
