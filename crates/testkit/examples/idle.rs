//! What an idle connection costs the server: signed-in WebSockets with ten rooms each, over plain TCP
//! or over TLS.
//!
//! `cargo run --release -p chinwag-testkit --example idle -- PROGRAM CONNECTIONS [tls]` prints the
//! resident memory of the program before and after, and the difference for each connection.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};
use chinwag_testkit::server::{Door, PASSWORD, Socket, User, trust, write_certificate};
use serde_json::json;

const ROOMS: usize = 10;
const MEMBERS: usize = 10;
/// Connections of one user.
const EACH: usize = 50;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().context("usage: idle PROGRAM CONNECTIONS [tls]")?;
    let connections: usize = arguments.next().context("how many connections?")?.parse()?;
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(program);
    command.args(["--listen", "127.0.0.1:0", "--rate-limits", "off", "--shards", "1"]);
    command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut trusted = None;
    if arguments.next().is_some_and(|last| last == "tls") {
        let (cert, key) = write_certificate(folder.path());
        trusted = Some(trust(&cert));
        command.arg("--tls-cert").arg(cert).arg("--tls-key").arg(key);
    }
    let mut server = Killed(command.spawn()?);
    let mut first = String::new();
    BufReader::new(server.0.stdout.take().context("it is piped")?).read_line(&mut first)?;
    let port = first.trim().rsplit(':').next().context("a port")?;
    let mut door = Door::new(format!("127.0.0.1:{port}").parse()?);
    door.trust = trusted;

    let users: Vec<User> = (0..connections.div_ceil(EACH)).map(|n| register(&door, n)).collect();
    for members in users.chunks(MEMBERS) {
        let others: Vec<&User> = members[1..].iter().collect();
        for number in 0..ROOMS {
            let _ = members[0].group(&format!("room {number}"), &others);
        }
    }
    // One of each, so that what is made once is made.
    let warm: Vec<Socket> = users.iter().map(User::socket).collect();
    drop(warm);
    let before = server.resident_kib()?;
    let began = Instant::now();
    let mut sockets: Vec<Socket> = Vec::new();
    for number in 0..connections {
        sockets.push(users[number / EACH].socket());
    }
    let took = began.elapsed();
    let after = server.resident_kib()?;
    println!(
        "{connections} connections in {took:.1?}: {before} KiB before, {after} KiB after, {:.2} KiB each",
        (after - before) as f64 / connections as f64
    );
    Ok(())
}

fn register(door: &Door, number: usize) -> User {
    let body = json!({"handle": format!("user{number}"), "password": PASSWORD, "refresh": "body"});
    let answer = door.request("POST", "/v1/auth/register").json(&body).expect(201);
    User::of_tokens(door, PASSWORD, &answer.json())
}

/// A process that does not outlive this one.
struct Killed(Child);

impl Killed {
    fn resident_kib(&self) -> Result<i64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("VmRSS")?;
        Ok(kib.trim().parse()?)
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
