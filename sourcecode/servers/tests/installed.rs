//! Servers that are processes of their own leave nothing behind.

use std::net::TcpStream;

use servers::installed::{self, Installed};
use servers::{Error, Memcached};

#[servers::needs(memcached)]
#[test]
fn an_installed_server_goes_with_its_value() -> Result<(), Error> {
    let program = installed::find("memcached").expect("it is installed");
    let server = Installed::memcached(&program)?;
    let address = server.address();
    TcpStream::connect(address).expect("it listens");
    drop(server);
    TcpStream::connect(address).expect_err("nobody listens any more");
    Ok(())
}

#[test]
fn a_program_that_is_no_server_is_an_error() {
    let program = installed::find("true").expect("every system has it");
    let error = Installed::memcached(&program).expect_err("it ends at once").to_string();
    assert!(error.contains(program.to_str().expect("a plain path")), "{error}");
    assert!(error.contains("MEMCACHED_URL"), "{error}");
}

#[test]
fn a_named_server_may_leave_out_the_scheme() {
    let url = |named: &str| Memcached::Named(named.to_owned()).url();
    assert_eq!(url("127.0.0.1:11211"), "memcache://127.0.0.1:11211");
    assert_eq!(url("memcache://127.0.0.1:11211"), "memcache://127.0.0.1:11211");
}
