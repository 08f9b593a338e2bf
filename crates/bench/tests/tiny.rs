//! Every scenario runs tiny, against the floors and against Chinwag, so that none of it rots.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const BENCH: &str = env!("CARGO_BIN_EXE_chinwag-bench");

fn run(arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let out = folder.path().join("out");
    let output = Command::new(BENCH)
        .arg("--tiny")
        .args(arguments)
        .arg("--out")
        .arg(&out)
        .arg("--fixture")
        .arg(folder.path().join("fixture"))
        .output()
        .expect("the bench starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(out.join("report.md").exists() && out.join("report.svg").exists());
    let json = std::fs::read(out.join("report.json")).expect("a report is written");
    serde_json::from_slice(&json).expect("a report is JSON")
}

/// Runs a scenario; so many rows of `metric` came of it, each above zero and without a fault.
fn check(only: &str, metric: &str, rows: usize) {
    let report = run(&["--servers", "floor-a,floor-b,floor-c", "--only", only]);
    let found = report["rows"].as_array().expect("a report has rows");
    assert_eq!(found.len(), rows, "{found:#?}");
    for row in found {
        let value = row["values"][metric][0].as_f64();
        assert!(value.is_some_and(|value| value > 0.0), "{metric} in {row:#}");
        faultless(row);
    }
}

#[test]
fn one_room_reaches_everybody_once_and_in_order() {
    check("fan-out/100", "deliveries_per_s", 9);
    check("fan-out/5000", "deliveries_per_s", 6);
}

#[test]
fn many_rooms_reach_everybody_once_and_in_order() {
    check("rooms", "deliveries_per_s", 8);
}

#[test]
fn durable_sends_are_answered() {
    check("durable", "sends_per_s", 4);
}

#[test]
fn pages_are_asked_for() {
    check("history", "requests_per_s", 2);
}

#[test]
fn connections_are_opened_and_rest() {
    check("connect", "connects_per_s", 1);
    check("idle", "connects_per_s", 2);
}

/// What takes Debian's packages is measured where they are; npm's `ws` wherever there is Node.
#[test]
fn peers_are_held_to_what_they_promise() {
    let report = run(&["--peers", "--servers", "floor-a", "--only", "fan-out/100"]);
    let rows = report["rows"].as_array().expect("a report has rows");
    let peers: Vec<_> = rows.iter().filter(|row| row["server"] != "floor-a").collect();
    if !peers.iter().any(|row| row["server"] == "ws") {
        println!("ws was left out: there is no Node.js, or its packages cannot be fetched");
    }
    for row in peers {
        faultless(row);
        let value = row["values"]["deliveries_per_s"][0].as_f64();
        assert!(value.is_some_and(|value| value > 0.0), "{row:#}");
    }
}

/// Where one process may not hold all connections, each server is connected for its turn alone.
#[test]
fn servers_take_turns_where_descriptors_are_few() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let bench = format!(
        "ulimit -n 400; exec {BENCH} --tiny --only fan-out/5000 --servers floor-a,floor-b,floor-c \
         --out {0}/out --fixture {0}/fixture",
        folder.path().display()
    );
    let output = Command::new("sh").args(["-c", &bench]).output().expect("a shell starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json = std::fs::read(folder.path().join("out/report.json")).expect("a report is written");
    let report: Value = serde_json::from_slice(&json).expect("a report is JSON");
    let rows = report["rows"].as_array().expect("a report has rows");
    assert_eq!(rows.len(), 6, "{rows:#?}");
    rows.iter().for_each(faultless);
}

fn faultless(row: &Value) {
    for fault in ["lost", "doubled", "reordered", "phantom"] {
        assert_eq!(row["faults"][fault], 0, "{row:#}");
    }
}

/// The program is built with the workspace's tests. Where this crate is tested alone and it was never
/// built, there is nothing to measure.
#[test]
fn chinwag_goes_through_every_scenario_without_a_fault() {
    if !Path::new(BENCH).with_file_name("chinwag").exists() {
        println!("skipped: `cargo build` first makes the program that is measured");
        return;
    }
    let report = run(&["--servers", "chinwag"]);
    let rows = report["rows"].as_array().expect("a report has rows");
    let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    for scenario in [
        "rest", "start", "durable", "history", "sign-in", "fan-out", "rooms", "connect", "idle",
        "backup",
    ] {
        let measured = names.iter().any(|name| name.starts_with(scenario));
        assert!(measured, "{scenario} is not among {names:?}");
    }
    rows.iter().for_each(faultless);
}
