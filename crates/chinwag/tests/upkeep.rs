//! Back up, verify and restore as one types them, beside a server that runs and without one.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder of its own")
}

fn chinwag(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
    command.current_dir(folder).args(arguments).output().expect("the program is there")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What it prints where all goes well.
fn said(folder: &TempDir, arguments: &[&str]) -> String {
    let output = chinwag(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// What it says no with.
fn refusal(folder: &TempDir, arguments: &[&str]) -> String {
    let output = chinwag(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

/// A server on the folder's default data, once it is ready.
fn serve(folder: &TempDir) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
    command.current_dir(folder).args(["--listen", "127.0.0.1:0", "--shards", "1"]);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let running_log = running.as_mut().expect("the program is there").stderr.take();
    let mut lines = BufReader::new(running_log.expect("it is piped")).lines();
    let ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains("ready"));
    assert!(ready, "it ended");
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    running.expect("it runs")
}

fn stop(mut running: Child) {
    let pid = running.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there").success());
    assert!(running.wait().expect("it ends").success());
}

#[test]
fn a_backup_and_its_way_back() {
    let folder = folder();
    let running = serve(&folder);
    assert!(said(&folder, &["verify"]).ends_with("nothing is wrong\n"));
    assert!(said(&folder, &["backup", "b.db"]).contains("b.db: 1 events in 1 rooms, 0 accounts"));
    let there = refusal(&folder, &["backup", "b.db"]);
    assert!(there.contains("b.db is there already: --force replaces it"), "{there}");
    said(&folder, &["backup", "b.db", "--force"]);
    let in_use = refusal(&folder, &["restore", "b.db", "--replace"]);
    assert!(in_use.contains("is in use by process"), "{in_use}");
    stop(running);
    said(&folder, &["backup", "stopped.db"]);
    assert!(said(&folder, &["verify", "b.db"]).contains("nothing is wrong"));
    let there = refusal(&folder, &["restore", "b.db"]);
    assert!(there.contains("--replace puts it aside"), "{there}");
    let restored = said(&folder, &["restore", "b.db", "--replace"]);
    assert!(restored.contains("Who was signed in still is."), "{restored}");
    let elsewhere = said(&folder, &["restore", "b.db", "--data", "elsewhere"]);
    assert!(elsewhere.contains("all sessions, invites and reset links have ended"), "{elsewhere}");
    stop(serve(&folder));
}

#[test]
fn damage_is_told_by_the_exit_code_and_in_words() {
    let folder = folder();
    stop(serve(&folder));
    spoil(&folder.path().join("chinwag-data/chinwag.db"));
    let output = chinwag(&folder, &["verify"]);
    assert_eq!(output.status.code(), Some(1));
    let (said, wrong) = (text(&output.stdout), text(&output.stderr));
    assert!(
        said.contains("room ") && said.contains(", seq 1: it is not as it was written"),
        "{said}"
    );
    assert!(wrong.contains("1 things are wrong"), "{wrong}");
    let refused = refusal(&folder, &["backup", "b.db"]);
    assert!(refused.contains("the copy has 1 faults"), "{refused}");
    assert!(!folder.path().join("b.db").exists() && !folder.path().join("b.db.part").exists());
}

/// Turns a letter of the one event that there is, without anybody's leave.
fn spoil(database: &Path) {
    let mut bytes = std::fs::read(database).expect("it is there");
    let body = br#"{"kind":"channel","name":"general"}"#;
    let at = bytes.windows(body.len()).position(|window| window == body).expect("it is there");
    bytes[at + body.len() - 3] = b'L';
    std::fs::write(database, bytes).expect("it is ours");
}

/// Whenever it is killed, nothing half bears the backup's name, and the next one comes through.
#[test]
fn a_killed_backup_leaves_no_file_under_its_name() {
    let folder = folder();
    let running = serve(&folder);
    let file = folder.path().join("b.db");
    let mut broken_off = 0;
    for tenths_ms in (1..400).step_by(8) {
        let after = format!("{}", f64::from(tenths_ms) / 10_000.0);
        let mut command = Command::new("timeout");
        command.current_dir(&folder).args(["--signal=KILL", &after]);
        command.args([env!("CARGO_BIN_EXE_chinwag"), "backup", "b.db"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().expect("timeout is there");
        if file.exists() {
            assert!(said(&folder, &["verify", "b.db"]).contains("nothing is wrong"));
            std::fs::remove_file(&file).expect("it is ours");
        } else {
            broken_off += 1;
        }
    }
    assert!(broken_off > 0, "it was never broken off");
    said(&folder, &["backup", "b.db"]);
    assert!(!folder.path().join("b.db.part").exists());
    stop(running);
}
