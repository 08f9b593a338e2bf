//! The servers of others that are measured beside ours, so that a claim about them is a row that
//! anybody can repeat.
//!
//! Room servers of a screenful on npm's `ws` and `socket.io`, NATS with its WebSocket listener, and
//! ejabberd with group chat. What they are told lies in `peers/`. None of them keeps a message here,
//! and none but ejabberd knows of accounts.

use std::ffi::OsStr;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::chinwag::free_address;
use crate::machine::{Machine, Processors};
use crate::process::Process;
use crate::subject::Server;

/// A start that takes longer has failed.
const START_WITHIN: Duration = Duration::from_secs(60);
/// The packages of npm and the room servers on them.
const NODE_FILES: [(&str, &str); 4] = [
    ("package.json", include_str!("../peers/package.json")),
    ("package-lock.json", include_str!("../peers/package-lock.json")),
    ("ws.mjs", include_str!("../peers/ws.mjs")),
    ("socket.io.mjs", include_str!("../peers/socket.io.mjs")),
];
const NATS: &str = "nats-server";
const NATS_CONFIG: &str = include_str!("../peers/nats.conf");
const EJABBERD_CONFIG: &str = include_str!("../peers/ejabberd.yml");
/// Debian's: a folder below it bears the version.
const ERLANG_LIBRARIES: &str = "/usr/lib";

/// Sees to it that a peer can be started; where it cannot, says what is missing.
pub(crate) fn install(server: Server) -> Result<()> {
    match server {
        Server::Ws | Server::SocketIo => {
            install_node().context("it takes Node.js, npm and the packages of crates/bench/peers")
        }
        Server::Nats => {
            found(NATS, "--version").context("it takes Debian's package nats-server").map(drop)
        }
        Server::Ejabberd => {
            ejabberd_libraries().context("it takes Debian's package ejabberd").map(drop)
        }
        _ => Ok(()),
    }
}

/// Starts a peer; what it writes lies in `folder`.
pub(crate) fn start(
    server: Server,
    machine: &Machine,
    folder: &Path,
) -> Result<(Process, SocketAddr)> {
    match server {
        Server::Nats => start_nats(machine, folder),
        Server::Ejabberd => start_ejabberd(machine, folder),
        _ => {
            let mut node = Command::new("node");
            node.arg(node_folder()?.join(format!("{}.mjs", server.name())));
            Process::spawn_announced(machine, node.env("NODE_ENV", "production"))
        }
    }
}

/// Beside the builds, so that it is cleaned with them and not fetched for each run.
fn node_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("this program lies in a target folder")?;
    Ok(target.join("bench-peers"))
}

/// `npm ci` from our lock file, once for each lock file.
fn install_node() -> Result<()> {
    let folder = node_folder()?;
    fs::create_dir_all(&folder)?;
    let done = folder.join("installed");
    for (name, text) in NODE_FILES {
        fs::write(folder.join(name), text)?;
    }
    let (_, lock) = NODE_FILES[1];
    if fs::read_to_string(&done).is_ok_and(|installed| installed == lock) {
        return found("node", "--version").map(drop);
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    let output = npm.current_dir(&folder).output().context("npm")?;
    ensure!(output.status.success(), "npm ci: {}", String::from_utf8_lossy(&output.stderr));
    Ok(fs::write(done, lock)?)
}

fn found(program: &str, argument: &str) -> Result<()> {
    let output =
        Command::new(program).arg(argument).output().with_context(|| program.to_owned())?;
    ensure!(output.status.success(), "{program} {argument} ended with {}", output.status);
    Ok(())
}

fn start_nats(machine: &Machine, folder: &Path) -> Result<(Process, SocketAddr)> {
    let (address, clients) = (free_address()?, free_address()?);
    let config = NATS_CONFIG
        .replace("LISTEN", &address.port().to_string())
        .replace("CLIENTS", &clients.port().to_string());
    let path = folder.join("nats.conf");
    fs::write(&path, config)?;
    let mut command = Command::new(NATS);
    command.arg("--config").arg(&path);
    start_quietly(machine, command, address, &folder.join("nats.log"))
}

/// The node itself, as `ejabberdctl foreground` starts it, without the shell around it: alone, so it
/// needs no name and no daemon that maps names to ports.
fn start_ejabberd(machine: &Machine, folder: &Path) -> Result<(Process, SocketAddr)> {
    let (address, folder) = (free_address()?, folder.join("ejabberd"));
    fs::create_dir_all(&folder)?;
    let config = folder.join("ejabberd.yml");
    fs::write(&config, EJABBERD_CONFIG.replace("LISTEN", &address.port().to_string()))?;
    let mut command = Command::new("erl");
    command.args(["-noinput", "+K", "true", "+P", "250000", "+Q", "65536"]);
    command.args(["-mnesia", "dir"]).arg(format!("\"{}\"", folder.join("mnesia").display()));
    command.args(["-s", "ejabberd"]).current_dir(&folder).env("HOME", &folder);
    command.env("ERL_LIBS", ejabberd_libraries()?).env("EJABBERD_CONFIG_PATH", config);
    command.env("EJABBERD_LOG_PATH", folder.join("log")).env("ERL_CRASH_DUMP_BYTES", "0");
    start_quietly(machine, command, address, &folder.join("out.log"))
}

/// The folder that holds `ejabberd-VERSION/ebin`.
fn ejabberd_libraries() -> Result<PathBuf> {
    found("erl", "-version")?;
    let folders = fs::read_dir(ERLANG_LIBRARIES)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut with_it = folders.filter(|folder| {
        let names = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names = names.map(|entry| entry.file_name());
        names.any(|name| name.as_encoded_bytes().starts_with(b"ejabberd-"))
    });
    with_it.next().context("no ejabberd among the libraries of Erlang")
}

/// Starts what does not tell its address, and waits until it listens there.
fn start_quietly(
    machine: &Machine,
    mut command: Command,
    address: SocketAddr,
    log: &Path,
) -> Result<(Process, SocketAddr)> {
    let file = fs::File::create(log)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut process = Process::spawn(machine, Processors::Server, &mut command)?;
    let started = Instant::now();
    while started.elapsed() < START_WITHIN {
        process.check_alive().with_context(|| format!("see {}", log.display()))?;
        if TcpStream::connect(address).is_ok() {
            return Ok((process, address));
        }
        std::thread::yield_now();
    }
    let program = Path::new(command.get_program()).file_name().unwrap_or(OsStr::new("it"));
    bail!("{} does not listen on {address}: see {}", program.display(), log.display())
}
