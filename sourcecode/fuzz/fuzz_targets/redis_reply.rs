//! What a server says that is no redis, or a broken one. The crate `redis` reads the replies; here it is
//! about what the store makes of them: an answer or an error, in time, and never a panic.
//!
//! The input is what to ask, and after it a reply to each of the commands, with a byte 0xff between
//! them. After the last one the server closes the connection.

#![no_main]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use beaker::key::Namespace;
use beaker::store::{Precondition, Put, RedisStore, Store, Version};
use libfuzzer_sys::fuzz_target;

const DEADLINE: Duration = Duration::from_millis(100);

static REPLIES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

static URL: LazyLock<String> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let replies = REPLIES.lock().unwrap().clone();
            thread::spawn(move || answer(stream, &replies));
        }
    });
    url
});

fn answer(mut stream: TcpStream, replies: &[u8]) {
    // A client that waits for the rest of a reply asks nothing, and would wait until its deadline.
    stream.set_read_timeout(Some(Duration::from_millis(3))).unwrap();
    let mut asked = [0; 4096];
    for reply in replies.split(|byte| *byte == 0xff) {
        let is_asked = stream.read(&mut asked).is_ok_and(|count| count > 0);
        if !is_asked || stream.write_all(reply).is_err() {
            return;
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&command, replies)) = bytes.split_first() else { return };
    *REPLIES.lock().unwrap() = replies.to_vec();
    // A new one each time, so that an input does the same whatever was there before it.
    let store = match command & 1 {
        0 => RedisStore::open(&URL, DEADLINE),
        _ => RedisStore::open_cluster(&URL, DEADLINE),
    };
    let store = store.unwrap();
    let namespace = Namespace::new("n");
    let keys = [namespace.key("a"), namespace.key("b")];
    let puts = [0, 1].map(|at| Put { key: &keys[at], bytes: b"value", ttl: None });
    let ttl = Some(Duration::from_secs(9));
    let unchanged = Precondition::Unchanged(Version::new(1));
    let started = Instant::now();
    match (command >> 1) % 10 {
        0 => drop(store.get(&keys[0])),
        1 => drop(store.put(&keys[0], b"value", ttl, Precondition::Always)),
        2 => drop(store.put(&keys[0], b"value", None, Precondition::Absent)),
        3 => drop(store.put(&keys[0], b"value", ttl, unchanged)),
        4 => drop(store.delete(&keys[0], Precondition::Always)),
        5 => drop(store.delete(&keys[0], unchanged)),
        6 => drop(store.get_many(&keys)),
        7 => drop(store.put_many(&puts)),
        8 => drop(store.delete_many(&keys)),
        _ => drop(store.clear(&namespace)),
    }
    // A second command finds a connection that was closed.
    drop(store.get(&keys[1]));
    assert!(started.elapsed() < DEADLINE * 50, "it took {:?}", started.elapsed());
});
