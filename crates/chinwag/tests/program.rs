//! The program as one starts it: what it says, and what it says no to.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use chinwag_testkit::server::write_certificate;
use rustix::process::{Pid, Signal, kill_process};
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

/// None of them is silently left without a server.
#[test]
fn two_sockets_that_are_handed_over_are_refused() {
    let folder = folder();
    let two = "exec env LISTEN_PID=$$ LISTEN_FDS=2 \"$@\" 3<&0 4<&0 0</dev/null";
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut shell = Command::new("sh");
    shell.args(["-c", two, "sh", env!("CARGO_BIN_EXE_chinwag")]);
    shell.current_dir(&folder).stdin(std::os::fd::OwnedFd::from(port));
    let said = refusal(&mut shell);
    assert!(said.contains("2 sockets (LISTEN_FDS)") && said.contains("ListenStream="), "{said}");
}

/// Each says which file it is and what to do.
#[test]
fn certificate_files_that_are_wrong_are_named() {
    let (folder, other) = (folder(), folder());
    let (cert, key) = write_certificate(folder.path());
    let (_, strange) = write_certificate(other.path());
    let missing = folder.path().join("none.pem");
    let broken = folder.path().join("broken.pem");
    let text = std::fs::read_to_string(&cert).expect("it was written");
    std::fs::write(&broken, &text[..text.len() / 2]).expect("the folder is ours");
    let said = |cert: &Path, key: &Path| {
        refusal(program(&folder).arg("--tls-cert").arg(cert).arg("--tls-key").arg(key))
    };
    let cases = [
        (&missing, &key, "none.pem (--tls-cert): No such file"),
        (&cert, &missing, "none.pem (--tls-key): No such file"),
        (&key, &key, "key.pem (--tls-cert) has no certificate"),
        (&cert, &cert, "cert.pem (--tls-key) has no private key"),
        (&broken, &key, "broken.pem (--tls-cert) is no PEM"),
        (&cert, &strange, "is not that of the first certificate in"),
    ];
    for (cert, key, expected) in cases {
        let said = said(cert, key);
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let half = refusal(program(&folder).arg("--tls-cert").arg(&cert));
    assert!(half.contains("--tls-key is missing"), "{half}");
}

#[test]
fn a_hang_up_has_the_certificate_read_again() {
    let folder = folder();
    let (cert, key) = write_certificate(folder.path());
    let for_all = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&key, for_all).expect("the file is ours");
    let mut running = program(&folder)
        .args(["--tls-cert", &cert.display().to_string(), "--tls-key", &key.display().to_string()])
        .stdout(Stdio::null())
        .spawn()
        .expect("the program is there");
    let mut log = BufReader::new(running.stderr.take().expect("it is piped")).lines();
    let mut until = |word: &str| {
        let found = log.by_ref().map_while(Result::ok).any(|line| line.contains(word));
        assert!(found, "its log ends without {word}");
    };
    until("can read the private key");
    until("ready");
    kill_process(Pid::from_child(&running), Signal::HUP).expect("one may signal one's own child");
    until("the certificate was read anew");
    running.kill().expect("it still runs");
    let _ = running.wait();
}

#[test]
fn a_malformed_filter_of_the_log_is_an_error() {
    let folder = folder();
    let said = refusal(program(&folder).env("CHINWAG_LOG", "chinwag=loud"));
    assert!(said.contains("CHINWAG_LOG"), "{said}");
}

/// Starts it and waits until it says that it is ready; its address stands in that line.
fn ready(command: &mut Command) -> (Child, String) {
    let mut running = command.stdout(Stdio::null()).spawn().expect("the program is there");
    let log = BufReader::new(running.stderr.take().expect("it is piped"));
    let mut lines = log.lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("ready")).expect("it says so");
    let (_, rest) = line.split_once("\"listen\":\"").expect("with its address");
    let address = rest.split('"').next().expect("which ends").to_owned();
    // Who reads no more would end it with its next line.
    std::thread::spawn(move || lines.for_each(drop));
    (running, address)
}

fn terminate(mut running: Child) {
    let pid = running.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there");
    assert!(sent.success());
    assert!(running.wait().expect("it ends").success());
}

fn healthcheck(folder: &TempDir, address: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
    command.current_dir(folder).args(["healthcheck", "--listen", address]);
    command.output().expect("the program is there")
}

#[test]
fn a_healthcheck_tells_the_running_from_the_stopped() {
    let folder = folder();
    let (running, address) = ready(&mut program(&folder));
    let answer = healthcheck(&folder, &address);
    assert!(answer.status.success(), "{answer:?}");
    assert_eq!(answer.stdout, b"ready\n");
    terminate(running);
    let answer = healthcheck(&folder, &address);
    assert_eq!(answer.status.code(), Some(1));
    let said = String::from_utf8_lossy(&answer.stderr);
    assert!(said.contains("no answer from") && said.contains(&address), "{said}");
}

#[test]
fn the_service_manager_is_told_of_the_start_and_of_the_end() {
    let folder = folder();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    let (running, _) = ready(program(&folder).env("NOTIFY_SOCKET", &path));
    let heard = || {
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).expect("it is told");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert_eq!(heard(), "READY=1");
    terminate(running);
    assert_eq!(heard(), "STOPPING=1");
}

fn config(folder: &TempDir, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
    command.current_dir(folder).arg("config").args(words).env("CHINWAG_TRUSTED_HOPS", "1");
    command.output().expect("the program is there")
}

#[test]
fn the_configuration_is_shown_with_who_said_so() {
    let folder = folder();
    let url = folder.path().join("url");
    std::fs::write(&url, "https://chat.example.org\n").expect("the folder is ours");
    std::fs::write(folder.path().join("chinwag.toml"), "rate_limits = \"off\"\nshards = 3\n")
        .expect("the folder is ours");
    let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
    command.current_dir(&folder).args(["config", "--json", "--shards", "2"]);
    command.env("CHINWAG_TRUSTED_HOPS", "1").env("CHINWAG_PUBLIC_URL_FILE", &url);
    let output = command.output().expect("the program is there");
    assert!(output.status.success(), "{output:?}");
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let of = |name: &str| {
        let rows = rows.as_array().expect("a list");
        let row = rows.iter().find(|row| row["name"] == name).expect("every option is there");
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        assert!(!text("meaning").is_empty(), "{row}");
        (text("value"), text("source"), text("path"))
    };
    let said = |value: &str, source: &str, path: &str| {
        (value.to_owned(), source.to_owned(), path.to_owned())
    };
    let url = url.display().to_string();
    assert_eq!(of("shards"), said("2", "flag", ""));
    assert_eq!(of("trusted_hops"), said("1", "environment", ""));
    assert_eq!(of("public_url"), said("https://chat.example.org", "environment", &url));
    assert_eq!(of("rate_limits"), said("off", "file", "chinwag.toml"));
    assert_eq!(of("listen"), said("127.0.0.1:8080", "default", ""));
    assert_eq!(of("registration"), said("invite", "default", ""), "as the server would have it");
    assert_eq!(of("metrics_listen"), said("", "default", ""));
}

#[test]
fn people_read_the_configuration_as_a_table() {
    let folder = folder();
    let output = config(&folder, &["--public-url", "https://chat.example.org"]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = shown.lines().find(|line| line.starts_with("public_url")).expect("its line");
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words, ["public_url", "https://chat.example.org", "--public-url"]);
    assert!(shown.contains("The address that people type"), "{shown}");
    assert!(!folder.path().join("chinwag-data").exists(), "it only looks");
}

#[test]
fn a_configuration_that_cannot_be_is_shown_and_refused() {
    let folder = folder();
    let output = config(&folder, &["--tls-key", "key.pem"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("key.pem"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--tls-cert is missing"));
    std::fs::write(folder.path().join("chinwag.toml"), "publik_url = \"https://a.example\"\n")
        .expect("the folder is ours");
    let said = refusal(&mut program(&folder));
    assert!(said.contains(r#"there is no option "publik_url"; is "public_url" meant?"#), "{said}");
}
