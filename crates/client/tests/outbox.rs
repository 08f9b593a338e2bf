//! The outbox file under a program that is killed.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use chinwag_client::outbox::OutboxFile;

/// How often it is killed, each time a little later.
const KILLS: usize = 12;

/// `examples/outbox.rs`, which cargo builds beside the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("a program has a path");
    let folder = tests.parent().and_then(Path::parent).expect("target/debug/deps");
    folder.join("examples").join(format!("outbox{}", std::env::consts::EXE_SUFFIX))
}

fn start(path: &Path) -> Child {
    let mut command = Command::new(program());
    command
        .arg(path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("its example is built: cargo build --examples")
}

/// Whatever moment it dies at: what it said to be kept and not to be done is there, in order, and nothing
/// that it had not begun to keep.
#[test]
fn what_was_said_to_be_kept_is_kept_over_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("outbox");
    let (mut kept, mut done) = (Vec::new(), BTreeSet::new());
    for round in 0..KILLS {
        let mut child = start(&path);
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        for (number, line) in lines.map_while(Result::ok).enumerate() {
            match line.split_once(' ') {
                Some(("kept", key)) => kept.push(key.to_owned()),
                Some(("done", key)) => drop(done.insert(key.to_owned())),
                _ => {}
            }
            if number == 20 + 53 * round {
                child.kill().expect("it lives");
            }
        }
        child.wait().expect("it was killed");
        let outbox = OutboxFile::at(&path).expect("it can be read whenever it was cut");
        let open: Vec<String> = outbox.open().map(|kept| kept.key.to_string()).collect();
        let must: Vec<String> = kept.iter().filter(|key| !done.contains(*key)).cloned().collect();
        // What is done may be said again; what was being kept in the last moment may be there.
        let known: Vec<String> =
            open.iter().filter(|key| !done.contains(*key) && kept.contains(key)).cloned().collect();
        assert_eq!(known, must, "round {round}");
        let unknown = open.iter().filter(|key| !kept.contains(key)).count();
        assert!(unknown <= 1, "round {round}: {unknown} were never announced");
        // From here on they are as good as announced.
        kept = open;
        done.retain(|key| kept.contains(key));
    }
}
