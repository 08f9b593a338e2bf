//! `chinwag admin` as one types it, on a server that runs and on one that does not.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use chinwag_testkit::server::{Door, PASSWORD};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::{Program, chinwag, folder};

/// `chinwag admin` with these words.
fn admin(folder: &TempDir, words: &[&str]) -> Output {
    let mut command = chinwag(folder.path());
    command.arg("admin").args(words).output().expect("the program is there")
}

/// What it said, as JSON.
#[track_caller]
fn done(folder: &TempDir, words: &[&str]) -> Value {
    let output = admin(folder, &[words, &["--json"]].concat());
    assert!(output.status.success(), "{words:?}: {output:?}");
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

/// Why it did not.
#[track_caller]
fn refused(folder: &TempDir, words: &[&str]) -> String {
    let output = admin(folder, words);
    assert_eq!(output.status.code(), Some(1), "{words:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn column(list: &Value, name: &str) -> Vec<String> {
    let rows = list["rows"].as_array().expect("a list");
    let text = |row: &Value| row[name].as_str().unwrap_or_default().to_owned();
    rows.iter().map(text).collect()
}

/// Accounts of one second are in no order.
fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words
}

fn installation(door: &Door) -> Value {
    door.request("GET", "/v1/installation").expect(200).json()
}

#[test]
fn it_is_the_same_on_a_running_and_on_a_stopped_server() {
    let folder = folder();
    let program = Program::start(&folder, &[]);
    let (ann, bob) = (program.register("ann"), program.register("bob"));
    let group = ann.group("the two", &[&bob]);
    ann.say(group, "hello");
    let group = group.to_string();
    let looks: [&[&str]; 7] = [
        &["users", "list"],
        &["users", "list", "--limit", "1"],
        &["rooms", "show", &group],
        &["rooms", "members", &group],
        &["sessions", "list", "@ann"],
        &["limits"],
        &["audit"],
    ];
    let running: Vec<Value> = looks.iter().map(|words| done(&folder, words)).collect();
    assert_eq!(sorted(column(&running[0], "handle")), ["ann", "bob"]);
    assert_eq!(running[1]["rows"].as_array().map(Vec::len), Some(1));
    assert!(running[1]["next"].is_string(), "{}", running[1]);
    assert_eq!((&running[2]["name"], &running[2]["messages"]), (&json!("the two"), &json!(1)));
    assert_eq!(sorted(column(&running[3], "role")), ["member", "owner"]);
    assert_eq!(done(&folder, &["users", "show", "bob"])["online"], false);
    assert_eq!(done(&folder, &["statistics"])["running"], true);
    program.terminate();
    assert!(!folder.path().join("chinwag-data/chinwag.sock").exists());
    let stopped: Vec<Value> = looks.iter().map(|words| done(&folder, words)).collect();
    assert_eq!(running, stopped);
    assert_eq!(done(&folder, &["users", "show", "bob"])["online"], Value::Null);
    assert_eq!(done(&folder, &["statistics"])["running"], false);
    let people = String::from_utf8(admin(&folder, &["users", "list"]).stdout).expect("UTF-8");
    let titles: Vec<&str> = people.lines().next().unwrap_or_default().split("  ").collect();
    assert_eq!(titles[0], "id", "{people}");
    assert!(people.contains("ann") && people.contains("owner"), "{people}");
}

#[test]
fn a_session_that_is_revoked_is_closed_at_once() {
    let folder = folder();
    let program = Program::start(&folder, &[]);
    let (_ann, bob) = (program.register("ann"), program.register("bob"));
    let mut socket = bob.socket();
    let session = column(&done(&folder, &["sessions", "list", "bob"]), "id").remove(0);
    done(&folder, &["sessions", "revoke", &session]);
    assert_eq!(socket.closed(), 4401);
    bob.get("/v1/me").expect(401);
    assert!(refused(&folder, &["sessions", "revoke", &session]).contains("no such session"));
    let again = bob.sign_in();
    let mut socket = again.socket();
    done(&folder, &["sessions", "revoke", "--user", "bob"]);
    assert_eq!(socket.closed(), 4401);
    program.terminate();
}

#[test]
fn a_link_is_printed_and_nowhere_else() {
    let folder = folder();
    let program = Program::start(&folder, &["--registration", "invite"]);
    let made = done(&folder, &["invites", "make", "--uses", "2", "--days", "3"]);
    let link = made["link"].as_str().expect("a link");
    let address = format!("http://localhost:{}/#invite=", program.door().address.port());
    let code = link.strip_prefix(&address).expect("into the app");
    let body = json!({"handle": "ann", "password": PASSWORD, "refresh": "body", "invite": code});
    program.door().request("POST", "/v1/auth/register").json(&body).expect(201);
    let invites = done(&folder, &["invites", "list"]);
    assert_eq!(
        (column(&invites, "code"), column(&invites, "made_by")),
        (vec![code.to_owned()], vec!["operator".to_owned()])
    );
    let reset = done(&folder, &["users", "reset", "ann"]);
    let token = reset["link"].as_str().and_then(|link| link.split_once("#reset="));
    let token = token.expect("into the app").1;
    let body = json!({"token": token, "new": "another horse battery"});
    program.door().request("POST", "/v1/auth/reset").json(&body).expect(204);
    done(&folder, &["invites", "revoke", code]);
    assert!(refused(&folder, &["invites", "revoke", code]).contains("no such invite"));
    let audit = done(&folder, &["audit"]);
    assert_eq!(column(&audit, "act"), ["invite.delete", "user.reset", "invite.create"]);
    assert_eq!(column(&audit, "actor"), ["operator"; 3]);
    let log = program.terminate();
    assert!(log.contains("ready"), "{log}");
    for secret in [code, token] {
        assert!(!log.contains(secret) && !audit.to_string().contains(secret), "{log}");
    }
}

#[test]
fn registration_changes_while_the_server_runs_unless_it_was_told() {
    let folder = folder();
    let program = Program::start(&folder, &[]);
    assert_eq!(installation(&program.door())["registration"], "open");
    done(&folder, &["registration", "closed"]);
    assert_eq!(installation(&program.door())["registration"], "closed");
    program.terminate();
    assert_eq!(done(&folder, &["registration"])["said_by"], "chinwag admin");
    let program = Program::start(&folder, &["--registration", "invite"]);
    assert_eq!(installation(&program.door())["registration"], "invite", "it was told");
    let said = refused(&folder, &["registration", "open"]);
    assert!(said.contains("the configuration says who may register"), "{said}");
    program.terminate();
    let program = Program::start(&folder, &[]);
    assert_eq!(installation(&program.door())["registration"], "closed", "as it was set");
    done(&folder, &["registration", "default"]);
    assert_eq!(installation(&program.door())["registration"], "open");
    program.terminate();
}

#[test]
fn ranks_and_deletion_hold_on_a_stopped_server() {
    let folder = folder();
    let program = Program::start(&folder, &[]);
    let (ann, bob) = (program.register("ann"), program.register("bob"));
    program.terminate();
    let said = refused(&folder, &["users", "rank", "ann", "member"]);
    assert!(said.contains("make someone else the installation's owner first"), "{said}");
    done(&folder, &["users", "rank", "bob", "owner"]);
    let said = refused(&folder, &["users", "delete", "ann"]);
    assert!(said.contains("Say --yes"), "{said}");
    done(&folder, &["users", "delete", &ann.id.to_string(), "--yes"]);
    assert!(refused(&folder, &["users", "show", "ann"]).contains("there is no user ann"));
    let audit = done(&folder, &["audit", "--limit", "1"]);
    assert_eq!(
        (column(&audit, "act"), &audit["next"]),
        (vec!["user.delete".to_owned()], &json!("2"))
    );
    assert_eq!(column(&audit, "subject"), [ann.id.to_string()], "who is gone has no name");
    let program = Program::start(&folder, &[]);
    let body = json!({"handle": "bob", "password": PASSWORD});
    let login = program.door().request("POST", "/v1/auth/login").json(&body).expect(200).json();
    let user = &login["user"];
    assert_eq!((&user["rank"], &user["id"]), (&json!("owner"), &json!(bob.id)));
    program.terminate();
}

#[test]
fn a_handle_that_is_somebody_else_s_id_is_not_guessed() {
    let folder = folder();
    let program = Program::start(&folder, &[]);
    let ann = program.register("ann").id.to_string();
    program.register(&ann);
    let said = refused(&folder, &["users", "show", &ann]);
    assert!(said.contains("is the handle of one and the id of another"), "{said}");
    let shown = done(&folder, &["users", "show", &format!("@{ann}")]);
    assert_eq!(shown["handle"], json!(ann));
    program.terminate();
}

#[test]
fn a_page_is_1_to_1000() {
    let folder = folder();
    Program::start(&folder, &[]).terminate();
    for (list, limit) in [("users", "0"), ("users", "1001"), ("rooms", "1001")] {
        let said = refused(&folder, &[list, "list", "--limit", limit]);
        assert!(said.contains("a page has 1 to 1000 rows"), "{said}");
    }
    assert!(refused(&folder, &["audit", "--limit", "1001"]).contains("a page has 1 to 1000 rows"));
    assert_eq!(column(&done(&folder, &["rooms", "list", "--limit", "1000"]), "name"), ["general"]);
}

#[test]
fn the_socket_is_the_server_s_alone_and_one_of_before_is_no_hindrance() {
    let folder = folder();
    let socket = folder.path().join("chinwag-data/chinwag.sock");
    let mode =
        |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let program = Program::start(&folder, &[]);
    assert_eq!(mode(&socket), 0o600);
    program.kill();
    assert!(socket.exists(), "a server that is killed leaves it");
    assert_eq!(done(&folder, &["statistics"])["running"], false);
    let program = Program::start(&folder, &[]);
    assert_eq!(done(&folder, &["statistics"])["running"], true);
    program.terminate();
}

#[test]
fn where_there_is_no_installation_none_is_made() {
    let folder = folder();
    let said = refused(&folder, &["users", "list"]);
    assert!(said.contains("there is no installation in ./chinwag-data"), "{said}");
    assert!(!folder.path().join("chinwag-data").exists());
    let said = refused(&folder, &["users", "list", "--data", "elsewhere"]);
    assert!(said.contains("there is no installation in elsewhere"), "{said}");
    let usage = admin(&folder, &["users", "rank", "ann", "king"]);
    assert_eq!(usage.status.code(), Some(2), "{usage:?}");
}
