//! `chinwag doctor` as one types it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::proxy::{Manners, Proxy};
use crate::running::{Program, chinwag, folder};

fn doctor(folder: &TempDir, words: &[&str]) -> Output {
    let mut command = chinwag(folder.path());
    command.arg("doctor").args(words).output().expect("the program is there")
}

/// What it found: (area, level, what, advice).
fn findings(output: &Output) -> Vec<(String, String, String, String)> {
    let rows: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let finding = |row: &Value| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        (text("area"), text("level"), text("what"), text("advice"))
    };
    rows.as_array().expect("a list").iter().map(finding).collect()
}

/// The finding of an area that has these words, as (level, advice).
#[track_caller]
fn of(output: &Output, area: &str, words: &str) -> (String, String) {
    let found = findings(output);
    let it = found.iter().find(|(it, _, what, _)| it == area && what.contains(words));
    let it = it.unwrap_or_else(|| panic!("no {words:?} of {area}: {found:#?}"));
    (it.1.clone(), it.3.clone())
}

fn areas(output: &Output) -> Vec<String> {
    let mut areas: Vec<String> = findings(output).into_iter().map(|finding| finding.0).collect();
    areas.dedup();
    areas
}

/// Names, modes and bytes of all that is in a folder.
fn all_of(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("it is there").map(|entry| {
        let entry = entry.expect("it is there");
        let mode = entry.metadata().expect("it is there").permissions().mode();
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        (entry.file_name().to_string_lossy().into_owned(), (mode, bytes))
    });
    entries.collect()
}

const AREAS: [&str; 7] =
    ["configuration", "folder", "disk", "database", "clock", "ports", "outside"];

#[test]
fn before_the_first_start_all_is_well_and_nothing_is_made() {
    let folder = folder();
    let output = doctor(&folder, &["--json", "--listen", "127.0.0.1:0"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(areas(&output), AREAS);
    assert_eq!(of(&output, "folder", "is not there yet").0, "ok");
    assert_eq!(of(&output, "database", "there is none yet").0, "ok");
    assert_eq!(of(&output, "ports", "is free").0, "ok");
    assert!(["ok", "warning"].contains(&of(&output, "disk", "keeps a page in").0.as_str()));
    assert!(all_of(folder.path()).is_empty(), "it only looks");
}

#[test]
fn a_stopped_server_is_looked_at_and_not_touched() {
    let folder = folder();
    let program = Program::start(&folder, &[]);
    let ann = program.register("ann");
    ann.say(ann.general(), "hello");
    program.terminate();
    let data = folder.path().join("chinwag-data");
    let before = all_of(&data);
    let output = doctor(&folder, &["--json", "--listen", "127.0.0.1:0"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(of(&output, "database", "is whole").0, "ok");
    assert_eq!(of(&output, "database", "rows of a sample are as they were written").0, "ok");
    assert_eq!(of(&output, "clock", "is not behind").0, "ok");
    assert_eq!(of(&output, "ports", "no server runs").0, "ok");
    let after = all_of(&data);
    assert!(before.keys().eq(after.keys()), "{:?}", after.keys());
    assert!(before == after, "a byte or a mode is another");
}

/// All of 127.0.0.0/8 is this machine, so a process has a part of it for itself.
fn address_of_our_own() -> String {
    let [.., third, second, first] = std::process::id().to_be_bytes();
    format!("127.{}.{second}.{first}:9100", 1 + third % 250)
}

#[test]
fn a_running_server_answers_for_itself() {
    let folder = folder();
    let metrics = address_of_our_own();
    let program = Program::start(&folder, &["--metrics-listen", &metrics]);
    let address = program.door().address.to_string();
    let output = doctor(&folder, &["--json", "--listen", &address, "--metrics-listen", &metrics]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(of(&output, "ports", "this server answers on").0, "ok");
    assert_eq!(of(&output, "ports", "its figures are answered").0, "ok");
    assert_eq!(of(&output, "database", "is whole").0, "ok");
    let none = doctor(&folder, &["--json", "--listen", &address, "--metrics-listen", &address]);
    assert_eq!(of(&none, "ports", "no figures of Chinwag's").0, "error");
    let other = doctor(&folder, &["--json", "--listen", "127.0.0.1:1"]);
    assert_eq!(of(&other, "ports", "and would on 127.0.0.1:1").0, "warning");
    let people = String::from_utf8(doctor(&folder, &[]).stdout).expect("UTF-8");
    assert!(people.lines().any(|line| line.starts_with("database       ok")), "{people}");
    program.terminate();
}

#[test]
fn what_is_wrong_ends_with_1_and_says_what_to_do() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = doctor(&folder, &["--json", "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let (level, advice) = of(&output, "ports", &address);
    assert_eq!(level, "error");
    assert!(advice.contains("another program has it"), "{advice}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("there is one error"), "{said}");
    std::fs::write(folder.path().join("chinwag.toml"), "tls_kee = \"x\"").expect("it is ours");
    let output = doctor(&folder, &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(areas(&output), ["configuration"]);
    assert_eq!(of(&output, "configuration", "is \"tls_key\" meant?").0, "error");
}

#[test]
fn a_spoiled_database_is_an_error() {
    let folder = folder();
    let program = Program::start(&folder, &[]);
    let ann = program.register("ann");
    ann.say(ann.general(), "the quick brown fox");
    program.terminate();
    let path = folder.path().join("chinwag-data/chinwag.db");
    let mut bytes = std::fs::read(&path).expect("it is there");
    let place = bytes.windows(5).position(|it| it == b"brown").expect("bodies are text");
    bytes[place] = b'c';
    std::fs::write(&path, bytes).expect("it is ours");
    let look = || doctor(&folder, &["--json", "--listen", "127.0.0.1:0"]);
    let output = look();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(of(&output, "database", "rows are not as they were written").0, "error");
    let length = std::fs::metadata(&path).expect("it is there").len();
    let file = std::fs::OpenOptions::new().write(true).open(&path).expect("it is ours");
    file.set_len(length / 2).expect("it is ours");
    let output = look();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let found = findings(&output);
    let is_bad = |(area, level, ..): &(String, String, String, String)| {
        area == "database" && level == "error"
    };
    assert!(found.iter().any(is_bad), "{found:#?}");
}

/// A server behind a proxy with these manners, which is told to trust so many.
fn behind(manners: Manners, hops: &str) -> Output {
    let folder = folder();
    let proxy = Proxy::start(manners);
    let url = format!("http://{}", proxy.address);
    let flags = ["--public-url", url.as_str(), "--trusted-hops", hops];
    let program = Program::start(&folder, &flags);
    proxy.lead_to(program.door().address);
    let address = program.door().address.to_string();
    let output = doctor(&folder, &[&flags[..], &["--json", "--listen", &address]].concat());
    program.terminate();
    output
}

#[test]
fn a_proxy_that_does_its_work_is_found_good() {
    let output = behind(Manners::default(), "1");
    assert_eq!(of(&output, "outside", "leads to this server, with the right Host").0, "ok");
    assert_eq!(of(&output, "outside", "this counts as 127.0.0.1").0, "ok");
    assert_eq!(of(&output, "outside", "a WebSocket opens").0, "ok");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn proxies_are_counted_wrong_in_either_direction() {
    let fewer = behind(Manners::default(), "0");
    let (level, advice) = of(&fewer, "outside", "all people count as one address");
    assert_eq!((level.as_str(), advice.as_str()), ("warning", "--trusted-hops 1"));
    let more = behind(Manners::default(), "2");
    let (level, advice) = of(&more, "outside", "anyone can pretend any address");
    assert_eq!((level.as_str(), advice.as_str()), ("error", "--trusted-hops 1"));
    assert_eq!(more.status.code(), Some(1));
}

#[test]
fn a_proxy_that_keeps_something_is_found_out() {
    let upgrade = behind(Manners { keeps_upgrade: true, ..Manners::default() }, "1");
    let (level, advice) = of(&upgrade, "outside", "a WebSocket does not get through");
    assert_eq!(level, "error");
    assert!(advice.contains("Upgrade"), "{advice}");
    let host = behind(Manners { other_host: true, ..Manners::default() }, "1");
    let (level, advice) = of(&host, "outside", "passes another Host on");
    assert_eq!(level, "error");
    assert!(advice.contains("$http_host"), "{advice}");
}
