//! Signing and sealing, beside the bare HMAC and the bare AES-GCM of the same bytes.

use std::hint::black_box;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use beaker::codec::{Bincode, Codec};
use beaker::{Sealer, Signer};
use benchmarks::{Limit, compare, data};
use hmac::{Hmac, Mac};
use sha2::Sha256;

const KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";
const ID: &str = "844c8ed1e96a4011bb23fbb3fe80823a";
const NAME: &str = "beaker.session.id";

fn main() {
    let signer = Signer::new([KEY]).unwrap();
    let hmac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&KEY).unwrap();
    // Neither side knows beforehand how long they are.
    let (name, id) = (black_box(NAME), black_box(ID));
    let mac = || hmac.clone().chain_update([0; 4]).chain_update(name).chain_update(black_box(id));
    compare(
        "cookies: sign",
        Limit::Times(1.2),
        || drop(black_box(signer.sign(name, black_box(id)))),
        || {
            black_box(mac().finalize().into_bytes());
        },
    );
    let signed = signer.sign(name, id);
    compare(
        "cookies: verify",
        Limit::Times(1.2),
        || {
            black_box(signer.verify(name, black_box(&signed)).unwrap());
        },
        || {
            black_box(mac().finalize().into_bytes());
        },
    );

    let bytes = Bincode.encode(&data()).unwrap();
    println!("sealing {} bytes", bytes.len());
    let sealer = Sealer::new([KEY]).unwrap();
    let cipher = Aes256Gcm::new(&KEY.into());
    let nonce = Nonce::from([7; 12]);
    compare(
        "cookies: seal",
        Limit::Times(1.5),
        || drop(black_box(sealer.seal(NAME, black_box(&bytes)).unwrap())),
        || {
            // Whoever seals needs a nonce that was never used.
            let mut nonce = [0; 12];
            getrandom::fill(&mut nonce).unwrap();
            let nonce = Nonce::from(nonce);
            let mut body = bytes.clone();
            let sealed =
                cipher.encrypt_inout_detached(&nonce, NAME.as_bytes(), body.as_mut_slice().into());
            black_box((sealed.unwrap(), body));
        },
    );
    let sealed = sealer.seal(NAME, &bytes).unwrap();
    let mut body = bytes.clone();
    let tag = cipher.encrypt_inout_detached(&nonce, NAME.as_bytes(), body.as_mut_slice().into());
    let tag = tag.unwrap();
    compare(
        "cookies: open",
        Limit::Times(1.5),
        || {
            black_box(sealer.open(NAME, black_box(&sealed)).unwrap());
        },
        || {
            let mut opened = body.clone();
            let done = cipher.decrypt_inout_detached(
                &nonce,
                NAME.as_bytes(),
                opened.as_mut_slice().into(),
                &tag,
            );
            done.unwrap();
            black_box(opened);
        },
    );
}
