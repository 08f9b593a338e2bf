//! The parsers of bytes from outside, each as a plain function that holds it to its promises whatever the
//! bytes are: it does not panic, its limits hold, and what it read it reads again from what it writes.
//!
//! The tests give each of them its seeds (`fuzz/seeds/NAME/`) and many seeds gone wrong, `cargo xtask fuzz`
//! what libFuzzer makes of the same. Those of the server's own are in `server/src/parsers.rs`.

mod client;
mod wire;
mod words;

use std::path::Path;

use crate::random::Random;

/// A parser and what holds of it.
#[derive(Debug, Clone, Copy)]
pub struct Parser {
    /// The fuzz target and the folder of seeds.
    pub name: &'static str,
    /// Panics where a promise is broken.
    pub hold: fn(&[u8]),
}

/// All but the server's own.
pub const PARSERS: &[Parser] = &[
    Parser { name: "ids", hold: words::ids },
    Parser { name: "texts", hold: words::texts },
    Parser { name: "configuration", hold: words::configuration },
    Parser { name: "client_frame", hold: wire::client_frame },
    Parser { name: "bodies", hold: wire::bodies },
    Parser { name: "websocket", hold: wire::websocket },
    Parser { name: "handshake", hold: wire::handshake },
    Parser { name: "event_stream", hold: wire::event_stream },
    Parser { name: "server_frames", hold: client::server_frames },
    Parser { name: "outbox_file", hold: client::outbox_file },
];

/// Runs the parser of this name, for its fuzz target.
///
/// # Panics
/// Where a promise is broken, and where there is no such parser.
pub fn hold(name: &str, bytes: &[u8]) {
    let parser = PARSERS.iter().find(|parser| parser.name == name);
    (parser.expect("a parser of the table").hold)(bytes);
}

/// Bytes of a case: beyond it nothing new is learnt.
const CASE_BYTES_MAX: usize = 4_096;

/// Holds a parser to its promises over its seeds and as many cases as asked for: seeds that went wrong in
/// a few places, and noise.
///
/// # Errors
/// What broke it.
///
/// # Panics
/// Where there is no seed.
pub fn hold_over(parser: Parser, folder: &Path, cases: u64) -> Result<(), String> {
    let seeds = seeds(&folder.join(parser.name));
    let mut random = Random::new(1);
    let made = (0..cases).map(|_| case(&seeds, &mut random));
    seeds.iter().cloned().chain(made).try_for_each(|bytes| try_one(parser, &bytes))
}

/// # Panics
/// Where there is none, or one cannot be read.
fn seeds(folder: &Path) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder).expect("a folder of seeds");
    let mut paths: Vec<_> = files.map(|file| file.expect("a seed").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no seeds", folder.display());
    paths.iter().map(|path| std::fs::read(path).expect("a seed")).collect()
}

fn try_one(parser: Parser, bytes: &[u8]) -> Result<(), String> {
    let held = std::panic::catch_unwind(|| (parser.hold)(bytes));
    held.map_err(|_| format!("{} is broken by b\"{}\"", parser.name, bytes.escape_ascii()))
}

fn case(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    if random.chance(100) {
        return (0..random.below(200)).map(|_| random.draw() as u8).collect();
    }
    let mut bytes = random.pick(seeds).cloned().unwrap_or_default();
    for _ in 0..random.between(1..=4) {
        go_wrong(&mut bytes, seeds, random);
    }
    bytes.truncate(CASE_BYTES_MAX);
    bytes
}

/// What stands at an edge of something.
const EDGES: &[&[u8]] = &[
    b"0",
    b"-1",
    b"9007199254740991",
    b"18446744073709551615",
    b"1e999",
    b"null",
    b"[]",
    b"{}",
    b"\"",
    b"\\ud800",
    b"\\u0000",
    b"\r\n",
    b"\n\n",
    b"\0",
    b"\xff",
    b"\xf4\x8f\xbf\xbf",
    b"\x7f\xff\xff\xff",
    b",",
    b";",
    b":",
    b"=",
    b"%00",
    b"://",
    b"@",
];

fn go_wrong(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() as u64 + 1) as usize;
    let end = at + random.below((bytes.len() - at) as u64 + 1) as usize;
    match random.below(6) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        3 => {
            let twice = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, twice));
        }
        4 => {
            let other = random.pick(seeds).map_or(&[][..], |seed| &seed[..]);
            let from = random.below(other.len() as u64 + 1) as usize;
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => {
            let edge = random.pick(EDGES).copied().unwrap_or_default();
            drop(bytes.splice(at..end.min(at + edge.len()), edge.iter().copied()));
        }
    }
}
