//! The program as one starts it: what it says, and what it says no to.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The program on a port and in a folder of its own, with its log to be read.
fn program(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
    command.current_dir(folder).args(["--listen", "127.0.0.1:0", "--shards", "1"]);
    command.stderr(Stdio::piped());
    command
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder of its own")
}

/// What it says where it does not start.
fn refusal(command: &mut Command) -> String {
    let output = command.output().expect("the program is there");
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn it_serves_though_nobody_reads_its_start_lines() {
    let folder = folder();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut running = program(&folder).stdout(writer).spawn().expect("the program is there");
    let log = BufReader::new(running.stderr.take().expect("it is piped"));
    let lines: Vec<String> = log.lines().map_while(Result::ok).take(1).collect();
    running.kill().expect("it still runs");
    let _ = running.wait();
    assert!(lines[0].contains("ready"), "{lines:?}");
}

#[test]
fn a_port_that_is_taken_is_named_with_its_flag() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let mut main = Command::new(env!("CARGO_BIN_EXE_chinwag"));
    main.current_dir(&folder).args(["--listen", &address]);
    let mut metrics = program(&folder);
    metrics.args(["--metrics-listen", &address]);
    for (command, flag) in [(&mut main, "(--listen)"), (&mut metrics, "(--metrics-listen)")] {
        let said = refusal(command);
        assert!(said.contains(flag) && said.contains(&address), "{said}");
    }
}

#[test]
fn a_malformed_filter_of_the_log_is_an_error() {
    let folder = folder();
    let said = refusal(program(&folder).env("CHINWAG_LOG", "chinwag=loud"));
    assert!(said.contains("CHINWAG_LOG"), "{said}");
}
