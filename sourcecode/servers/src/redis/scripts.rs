//! The scripts that the library sends, in Rust: a small redis has no Lua.

use sha1::{Digest, Sha1};

use super::items::Items;
use super::reply::{Answer, NO_NUMBER, OK, Refusal, Reply, wrong_number_of_arguments};
use super::request::number;
use super::script::Script;
use super::set;

/// `SCRIPT LOAD text`, `SCRIPT EXISTS sha1 ...`, `SCRIPT FLUSH`.
pub(super) fn script(items: &mut Items, arguments: &[&[u8]]) -> Answer {
    let Some((subcommand, arguments)) = arguments.split_first() else {
        return Err(wrong_number_of_arguments("script"));
    };
    match (subcommand.to_ascii_uppercase().as_slice(), arguments) {
        (b"LOAD", [text]) => {
            let script = known(text)?;
            items.scripts.insert(script);
            Ok(Reply::bulk(script.hash()))
        }
        (b"EXISTS", [_, ..]) => {
            let is_loaded = |hash: &&[u8]| loaded(items, hash).is_some();
            Ok(Reply::Array(
                arguments.iter().map(|hash| Reply::Integer(is_loaded(hash).into())).collect(),
            ))
        }
        (b"FLUSH", []) => {
            items.scripts.clear();
            Ok(OK)
        }
        (b"LOAD" | b"EXISTS", _) => {
            let name = String::from_utf8_lossy(subcommand).to_ascii_lowercase();
            Err(wrong_number_of_arguments(&format!("script|{name}")))
        }
        _ => Err("ERR this small redis knows SCRIPT LOAD, EXISTS and FLUSH only".into()),
    }
}

/// `EVAL text keys key ... argument ...`.
pub(super) fn eval(items: &mut Items, arguments: &[&[u8]]) -> Answer {
    let [text, rest @ ..] = arguments else { return Err(wrong_number_of_arguments("eval")) };
    let (keys, arguments) = split(rest, "eval")?;
    let script = known(text)?;
    items.scripts.insert(script);
    run(script, items, keys, arguments)
}

/// `EVALSHA sha1 keys key ... argument ...`.
pub(super) fn evalsha(items: &mut Items, arguments: &[&[u8]]) -> Answer {
    let [hash, rest @ ..] = arguments else { return Err(wrong_number_of_arguments("evalsha")) };
    let (keys, arguments) = split(rest, "evalsha")?;
    let unknown = "NOSCRIPT No matching script. Please use EVAL.";
    run(loaded(items, hash).ok_or(unknown)?, items, keys, arguments)
}

fn run(script: Script, items: &mut Items, keys: &[&[u8]], arguments: &[&[u8]]) -> Answer {
    let ([key], [version, set @ ..]) = (keys, arguments) else {
        return Err("ERR this script takes one key and a version".into());
    };
    if let (Script::Increment, [by, ttl @ ..]) = (script, set) {
        return increment(items, key, version, by, ttl);
    }
    // What the library has written begins with a version. What another program has written is known by
    // its hash.
    let is_hash = matches!(script, Script::PutSame | Script::DeleteSame);
    let version_of = |value: &[u8]| match is_hash {
        false => value[..value.len().min(8)].to_vec(),
        true => {
            let hash = Sha1::digest(value);
            hash[..8].iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
        }
    };
    let current = items.get(key).map(|item| version_of(&item.value));
    if current.unwrap_or_default() != *version {
        return Ok(Reply::Integer(0));
    }
    match script {
        Script::PutUnchanged | Script::PutSame => {
            set::set(items, &[&[*key], set].concat()).map(|_| Reply::Integer(1))
        }
        Script::DeleteUnchanged | Script::DeleteSame => {
            Ok(Reply::Integer(items.remove(key).into()))
        }
        Script::Increment => Err("ERR this script takes a number".into()),
    }
}

/// Adds to the digits behind a version, or sets the first ones.
fn increment(items: &mut Items, key: &[u8], version: &[u8], by: &[u8], ttl: &[&[u8]]) -> Answer {
    const MOST: i64 = (1 << 53) - 1;
    let by_number = number(by).ok_or(NO_NUMBER)?;
    let Some(item) = items.get(key) else {
        let value = [version, by].concat();
        set::set(items, &[&[key, value.as_slice()], ttl].concat())?;
        return Ok(Reply::Integer(by_number));
    };
    let digits = item.value.get(8..).filter(|digits| (1..=16).contains(&digits.len()));
    let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let Some(count) = digits.and_then(number) else { return Ok(Reply::Integer(-1)) };
    let count = count + by_number;
    if count > MOST {
        return Ok(Reply::Integer(-2));
    }
    item.value = [version, count.to_string().as_bytes()].concat();
    Ok(Reply::Integer(count))
}

fn known(text: &[u8]) -> Result<Script, Refusal> {
    let refusal = "ERR this small redis runs the scripts of the library only";
    Script::of_text(text).ok_or(refusal.into())
}

fn loaded(items: &Items, hash: &[u8]) -> Option<Script> {
    Script::of_hash(hash).filter(|script| items.scripts.contains(script))
}

/// The keys and the arguments of a script.
type Split<'a, 'b> = (&'a [&'b [u8]], &'a [&'b [u8]]);

/// Takes them apart: the number of the keys comes before them.
fn split<'a, 'b>(words: &'a [&'b [u8]], command: &str) -> Result<Split<'a, 'b>, Refusal> {
    let [count, rest @ ..] = words else { return Err(wrong_number_of_arguments(command)) };
    match number(count).ok_or(NO_NUMBER)? {
        ..0 => Err("ERR Number of keys can't be negative".into()),
        count => rest
            .split_at_checked(usize::try_from(count).unwrap_or(usize::MAX))
            .ok_or("ERR Number of keys can't be greater than number of args".into()),
    }
}
