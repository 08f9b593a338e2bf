//! Users and a million messages, made once over the server's own doors and kept.
//!
//! A password costs the server its time on purpose, so thousands of accounts take minutes. The
//! folder is named for the database's version: another schema, another fixture. Every run works on a
//! copy, so the refresh tokens of the fixture are good for as long as a session lives.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chinwag_core::id::RoomId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Chinwag, at_once, program, string};
use crate::layout::Layout;
use crate::load::{Load, Pace, Phase};
use crate::machine::{Machine, Processors, folder_bytes};

/// Everybody's.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// Users who write the archive, each with as many under way as one connection may have.
const WRITERS: usize = 8;
const IN_FLIGHT: u32 = 512;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) handle: String,
    pub(crate) id: String,
    pub(crate) refresh_token: String,
}

/// What is in the fixture, and what it cost.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Contents {
    users: Vec<User>,
    /// The room with the long history.
    archive: String,
    archive_messages: u64,
    /// Seconds that were spent on users and on messages.
    users_s: f64,
    messages_s: f64,
}

#[derive(Debug)]
pub(crate) struct Fixture {
    folder: PathBuf,
    contents: Contents,
}

impl Fixture {
    /// Opens the fixture under `root`, and adds what it has not: so many users, so many messages.
    pub(crate) fn open(
        machine: &Machine,
        root: &Path,
        users: usize,
        messages: u64,
    ) -> Result<Self> {
        let folder = root.join(format!("schema-{}", schema_version(machine)?));
        fs::create_dir_all(&folder)?;
        let contents = match fs::read(folder.join("contents.json")) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(_) => Contents::default(),
        };
        let mut fixture = Self { folder, contents };
        let users = users.max(WRITERS);
        if fixture.contents.users.len() < users || fixture.contents.archive_messages < messages {
            fixture.grow(machine, users, messages)?;
        }
        Ok(fixture)
    }

    pub(crate) fn messages(&self) -> u64 {
        self.contents.archive_messages
    }

    /// What making it cost, in words.
    pub(crate) fn cost(&self) -> String {
        let Contents { users, archive_messages, users_s, messages_s, .. } = &self.contents;
        let users = users.len();
        format!("{users} users in {users_s:.0} s, {archive_messages} messages in {messages_s:.0} s")
    }

    /// Copies the database into a folder of the run.
    pub(crate) fn copy(&self, folder: &Path) -> Result<PathBuf> {
        let data = folder.join("data");
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        copy_folder(&self.folder.join("data"), &data)?;
        Ok(data)
    }

    pub(crate) fn bytes(&self) -> Result<u64> {
        folder_bytes(&self.folder.join("data"))
    }

    /// Starts a server on a copy, or on the fixture. Nobody is signed in.
    pub(crate) fn start(
        &self,
        machine: &Machine,
        processors: Processors,
        data: &Path,
    ) -> Result<Chinwag> {
        self.start_by(machine, processors, data, Command::new(program()?))
    }

    /// The same with a command of one's own, which takes the server's arguments.
    pub(crate) fn start_by(
        &self,
        machine: &Machine,
        processors: Processors,
        data: &Path,
        command: Command,
    ) -> Result<Chinwag> {
        let mut chinwag = Chinwag::start_by(machine, processors, data, command)?;
        chinwag.users = self.contents.users.clone().into();
        chinwag.archive.clone_from(&self.contents.archive);
        Ok(chinwag)
    }

    /// The number of the room with the long history, as the database has it.
    pub(crate) fn archive(&self) -> Result<RoomId> {
        self.contents.archive.parse().context("the archive's id")
    }

    /// On the fixture itself. What was begun is kept even where the end is not reached.
    fn grow(&mut self, machine: &Machine, users: usize, messages: u64) -> Result<()> {
        let data = self.folder.join("data");
        let mut chinwag = self.start(machine, Processors::All, &data)?;
        let grown = self.add_users(&chinwag, users).and_then(|()| {
            chinwag.users = self.contents.users.clone().into();
            self.add_messages(&mut chinwag, messages)
        });
        chinwag.process.terminate()?;
        fs::write(self.folder.join("contents.json"), serde_json::to_vec(&self.contents)?)?;
        grown
    }

    fn add_users(&mut self, chinwag: &Chinwag, users: usize) -> Result<()> {
        let before = self.contents.users.len();
        if before >= users {
            return Ok(());
        }
        eprintln!("the fixture: users {before} to {users}, which a password's price makes slow");
        let started = Instant::now();
        // The first owns the installation, so it comes alone.
        let alone = usize::from(before == 0);
        for (first, count) in [(before, alone), (before + alone, users - before - alone)] {
            let made = at_once(chinwag.address, count, |http, at| {
                let handle = format!("user{:05}", first + at);
                let body = json!({ "handle": handle, "password": PASSWORD, "refresh": "body" });
                let made = http.ok("POST", "/v1/auth/register", None, Some(&body))?;
                let (id, refresh_token) =
                    (string(&made["user"], "id")?, string(&made, "refresh_token")?);
                Ok(User { handle, id, refresh_token })
            })?;
            self.contents.users.extend(made);
        }
        self.contents.users_s += started.elapsed().as_secs_f64();
        Ok(())
    }

    fn add_messages(&mut self, chinwag: &mut Chinwag, messages: u64) -> Result<()> {
        if self.contents.archive_messages >= messages {
            return Ok(());
        }
        eprintln!("the fixture: {messages} messages");
        let started = Instant::now();
        self.refresh_writers(chinwag)?;
        let layout = Layout::crowd(WRITERS);
        let dialect = chinwag.prepare(&layout)?;
        self.contents.archive = dialect.room_id(0).context("Chinwag's rooms have ids")?.to_owned();
        let (mut load, _) = Load::connect(chinwag.address, dialect, &layout)?;
        let sent = send(&mut load, messages)?;
        self.contents.archive_messages = sent;
        self.contents.messages_s += started.elapsed().as_secs_f64();
        Ok(())
    }

    /// The fixture's own tokens are used up here, so the new ones take their place.
    fn refresh_writers(&mut self, chinwag: &mut Chinwag) -> Result<()> {
        let renewed = at_once(chinwag.address, WRITERS, |http, user| {
            let body = json!({ "refresh_token": self.contents.users[user].refresh_token });
            let tokens = http.ok("POST", "/v1/auth/refresh", None, Some(&body))?;
            Ok((string(&tokens, "access_token")?, string(&tokens, "refresh_token")?))
        })?;
        let mut access_tokens = Vec::new();
        for (user, (access, refresh)) in renewed.into_iter().enumerate() {
            self.contents.users[user].refresh_token = refresh;
            access_tokens.push(access);
        }
        chinwag.access_tokens = access_tokens.into();
        chinwag.users = self.contents.users.clone().into();
        Ok(())
    }
}

/// Sends at full speed until so many are kept, and says how many that are.
fn send(load: &mut Load, messages: u64) -> Result<u64> {
    let step = Duration::from_secs(1).min(Duration::from_micros(messages.saturating_mul(10)));
    let mut sent = 0;
    while sent < messages {
        let outcome = load.run(&Phase {
            pace: Pace::Closed { window: IN_FLIGHT },
            warm_up: Duration::ZERO,
            measured: step,
            finished: &|| true,
            server_cpu: &|| Ok(Duration::ZERO),
        })?;
        anyhow::ensure!(outcome.faults.total() == 0, "while filling: {:?}", outcome.faults);
        sent += outcome.completed;
    }
    Ok(sent)
}

/// The version of the schema, from the header of a database that the server made just now (SQLite's
/// file format, 1.3.11: the user version at byte 60).
fn schema_version(machine: &Machine) -> Result<u32> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let chinwag = Chinwag::start(machine, Processors::All, &data)?;
    chinwag.process.terminate()?;
    let mut versions = fs::read_dir(&data)?.filter_map(|entry| {
        let bytes = fs::read(entry.ok()?.path()).ok()?;
        let header = bytes.starts_with(b"SQLite format 3\0").then(|| bytes.get(60..64))??;
        Some(u32::from_be_bytes(header.try_into().ok()?))
    });
    versions.next().context("the server's folder holds no database")
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
