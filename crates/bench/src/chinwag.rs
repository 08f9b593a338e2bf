//! Chinwag as a server under measurement: started, filled with users and rooms over its own doors.

mod fixture;
mod http;

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

pub(crate) use self::fixture::{Fixture, PASSWORD, User};
pub(crate) use self::http::Http;

use crate::layout::Layout;
use crate::load::Dialect;
use crate::machine::{Machine, Processors};
use crate::process::Process;

/// A start that takes longer has failed.
const START_WITHIN: Duration = Duration::from_secs(60);
/// Requests under way at once while users and rooms are made: enough that commits are shared.
const REQUESTS_AT_ONCE: usize = 32;
/// Members that may be named when a room is made, the one who makes it apart.
const MEMBERS_AT_START: usize = 100;

/// A running server and those who are signed in.
#[derive(Debug)]
pub(crate) struct Chinwag {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) users: Arc<[User]>,
    /// By user, as many as were signed in.
    pub(crate) access_tokens: Arc<[String]>,
    /// The room with the long history; empty where there is none.
    pub(crate) archive: String,
    data: PathBuf,
    processors: Processors,
    /// From the start of the process to the first positive answer of `/readyz`.
    pub(crate) ready_after: Duration,
}

/// How a server's process ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    Terminated,
    Killed,
}

/// The server's program: `CHINWAG_BIN`, or the `chinwag` beside this program.
pub(crate) fn program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHINWAG_BIN") {
        return Ok(named.into());
    }
    let program = std::env::current_exe()?.with_file_name("chinwag");
    ensure!(program.exists(), "{} does not exist: build it, or set CHINWAG_BIN", program.display());
    Ok(program)
}

/// An address on loopback that was free a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

impl Chinwag {
    /// Starts the server on a folder and waits until it is ready. Nobody is signed in.
    pub(crate) fn start(machine: &Machine, processors: Processors, data: &Path) -> Result<Self> {
        Self::start_by(machine, processors, data, Command::new(program()?))
    }

    /// The same with a command of one's own, which takes the server's arguments.
    fn start_by(
        machine: &Machine,
        processors: Processors,
        data: &Path,
        mut command: Command,
    ) -> Result<Self> {
        let address = free_address()?;
        let log = data.with_extension("log");
        let log = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        command.args(["serve", "--rate-limits", "off", "--registration", "open"]);
        if processors == Processors::Server {
            command.args(["--shards", "1"]);
        }
        command.args(["--listen", &address.to_string()]).arg("--data").arg(data);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let started = Instant::now();
        let mut process = Process::spawn(machine, processors, &mut command)?;
        wait_until_ready(&mut process, address)
            .with_context(|| format!("see {}", data.with_extension("log").display()))?;
        let ready_after = started.elapsed();
        Ok(Self {
            process,
            address,
            users: [].into(),
            access_tokens: [].into(),
            archive: String::new(),
            data: data.to_owned(),
            processors,
            ready_after,
        })
    }

    /// Ends the process, politely or not, and starts another on the same data. Access tokens stay good.
    pub(crate) fn restart(self, machine: &Machine, ending: Ending) -> Result<Self> {
        match ending {
            Ending::Terminated => self.process.terminate()?,
            Ending::Killed => self.process.kill()?,
        }
        let again = Self::start(machine, self.processors, &self.data)?;
        let Self { users, access_tokens, archive, .. } = self;
        Ok(Self { users, access_tokens, archive, ..again })
    }

    /// The folder of its database.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Signs in the first so many users.
    pub(crate) fn sign_in(&mut self, users: usize) -> Result<()> {
        ensure!(users <= self.users.len(), "the fixture has {} users", self.users.len());
        let tokens = at_once(self.address, users, |http, user| {
            let body = json!({ "refresh_token": self.users[user].refresh_token });
            let tokens = http.ok("POST", "/v1/auth/refresh", None, Some(&body))?;
            string(&tokens, "access_token")
        })?;
        self.access_tokens = tokens.into();
        Ok(())
    }

    /// Makes the rooms of a layout.
    pub(crate) fn prepare(&self, layout: &Layout) -> Result<Dialect> {
        ensure!(
            layout.users <= self.access_tokens.len(),
            "only {} are signed in",
            self.access_tokens.len()
        );
        let room_ids = at_once(self.address, layout.rooms.len(), |http, room| {
            self.make_room(http, &layout.rooms[room], room)
        })?;
        for (members, id) in layout.rooms.iter().zip(&room_ids) {
            self.join(members.get(MEMBERS_AT_START..).unwrap_or_default(), id)?;
        }
        let access_tokens = self.access_tokens.clone();
        Ok(Dialect::Chinwag { access_tokens, room_ids: room_ids.into() })
    }

    /// Large rooms are channels, which one joins; the others are groups.
    fn make_room(&self, http: &mut Http, members: &[usize], room: usize) -> Result<String> {
        let (maker, others) = members.split_first().context("a room has a member")?;
        let kind = if members.len() > MEMBERS_AT_START { "channel" } else { "group" };
        let others = &others[..others.len().min(MEMBERS_AT_START - 1)];
        let others: Vec<&str> = others.iter().map(|&user| self.users[user].id.as_str()).collect();
        let body = json!({ "kind": kind, "name": format!("bench {room}"), "members": others });
        let made = http.ok("POST", "/v1/rooms", Some(&self.access_tokens[*maker]), Some(&body))?;
        string(&made, "id")
    }

    fn join(&self, users: &[usize], room: &str) -> Result<()> {
        at_once(self.address, users.len(), |http, at| {
            let token = &self.access_tokens[users[at]];
            http.ok("POST", &format!("/v1/rooms/{room}/join"), Some(token), Some(&json!({})))
        })?;
        Ok(())
    }
}

fn wait_until_ready(process: &mut Process, address: SocketAddr) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < START_WITHIN {
        process.check_alive()?;
        if let Ok(mut http) = Http::connect(address)
            && http.call("GET", "/readyz", None, None).is_ok_and(|answer| answer.status == 200)
        {
            return Ok(());
        }
        std::thread::yield_now();
    }
    anyhow::bail!("it was not ready within {} s", START_WITHIN.as_secs())
}

/// Does `count` things over a few connections at once, and gives what they came to, in order.
pub(crate) fn at_once<T: Send>(
    address: SocketAddr,
    count: usize,
    each: impl Fn(&mut Http, usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, T)>> {
        let mut http = Http::connect(address)?;
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return Ok(done);
            }
            done.push((at, each(&mut http, at)?));
        }
    };
    let mut done = Vec::with_capacity(count);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..REQUESTS_AT_ONCE.min(count)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            done.extend(thread.join().expect("a thread that panics fails the run")?);
        }
        anyhow::Ok(())
    })?;
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, what)| what).collect())
}

pub(crate) fn string(value: &Value, field: &str) -> Result<String> {
    let text = value[field].as_str().with_context(|| format!("no {field} in {value}"))?;
    Ok(text.to_owned())
}
