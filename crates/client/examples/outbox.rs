//! Keeps one command after the other in the outbox file that it is given until it is killed, and says what
//! it did. For the test that kills it.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::PathBuf;

use chinwag_client::link::new_key;
use chinwag_client::outbox::OutboxFile;
use chinwag_client::sync::{Command, Kept};

fn main() {
    let path = std::env::args().nth(1).map(PathBuf::from).expect("the path of a file");
    let mut outbox = OutboxFile::at(&path).expect("a file");
    let mut pending: HashSet<_> = outbox.open().map(|kept| kept.key).collect();
    let room = "0000000000ann".parse().expect("an id");
    for number in 0_u64.. {
        let command = Command::Message { text: format!("number {number}") };
        let kept = Kept { room, key: new_key(), command };
        outbox.add(&kept).expect("it is kept");
        say("kept", &kept);
        // One in a hundred stays, so that the file is written anew now and then.
        if number % 100 == 0 {
            pending.insert(kept.key);
        } else {
            say("done", &kept);
            outbox.settle(|key| pending.contains(&key));
        }
    }
}

fn say(what: &str, kept: &Kept) {
    let mut out = std::io::stdout();
    writeln!(out, "{what} {}", kept.key).and_then(|()| out.flush()).expect("somebody listens");
}
