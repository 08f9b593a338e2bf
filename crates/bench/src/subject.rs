//! A server under measurement, whichever it is.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::chinwag::Chinwag;
use crate::layout::Layout;
use crate::load::{Dialect, Load, Outcome, Pace, Phase};
use crate::machine::Machine;
use crate::peer;
use crate::poll::Poll;
use crate::process::Process;

/// A server that used no more than this of such a time is at rest.
const REST_SHARE: u32 = 20;
const REST_LOOK: Duration = Duration::from_millis(100);
const REST_WITHIN: Duration = Duration::from_secs(30);

/// Which server.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Server {
    FloorA,
    FloorB,
    FloorC,
    /// Chinwag's database with nothing around it.
    Sqlite,
    Chinwag,
    /// A room server on npm's `ws`.
    Ws,
    /// A room server on npm's `socket.io`.
    #[serde(rename = "socket.io")]
    #[value(name = "socket.io")]
    SocketIo,
    Nats,
    Ejabberd,
}

impl Server {
    /// Those that others made.
    pub(crate) const PEERS: [Self; 4] = [Self::Ws, Self::SocketIo, Self::Nats, Self::Ejabberd];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FloorA => "floor-a",
            Self::FloorB => "floor-b",
            Self::FloorC => "floor-c",
            Self::Sqlite => "sqlite",
            Self::Chinwag => "chinwag",
            Self::Ws => "ws",
            Self::SocketIo => "socket.io",
            Self::Nats => "nats",
            Self::Ejabberd => "ejabberd",
        }
    }

    pub(crate) fn is_peer(self) -> bool {
        Self::PEERS.contains(&self)
    }
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    running: Running,
}

#[derive(Debug)]
enum Running {
    /// A floor or a peer, which nothing must be made in.
    Bare(Process),
    Chinwag(Box<Chinwag>),
}

impl Subject {
    /// Starts a floor; its log, if it keeps one, lies in `folder`.
    pub(crate) fn floor(
        server: Server,
        machine: &Machine,
        folder: &Path,
        envelope_bytes: usize,
    ) -> Result<Self> {
        let kind = server.name().strip_prefix("floor-").context("only floors are started here")?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", "--kind", kind, "--envelope-bytes", &envelope_bytes.to_string()]);
        command.arg("--log").arg(folder.join("floor.log"));
        let (process, address) = Process::spawn_announced(machine, &mut command)?;
        Ok(Self { server, address, running: Running::Bare(process) })
    }

    /// Starts a server of others; what it writes lies in `folder`.
    pub(crate) fn peer(server: Server, machine: &Machine, folder: &Path) -> Result<Self> {
        let started = peer::start(server, machine, folder);
        let (process, address) = started.with_context(|| format!("starting {}", server.name()))?;
        Ok(Self { server, address, running: Running::Bare(process) })
    }

    pub(crate) fn chinwag(chinwag: Chinwag) -> Self {
        let (server, address) = (Server::Chinwag, chinwag.address);
        Self { server, address, running: Running::Chinwag(Box::new(chinwag)) }
    }

    pub(crate) fn as_chinwag(&self) -> Option<&Chinwag> {
        match &self.running {
            Running::Bare(_) => None,
            Running::Chinwag(chinwag) => Some(chinwag),
        }
    }

    /// Does something to a Chinwag that ends its process; a floor stays as it is.
    pub(crate) fn map_chinwag(
        self,
        change: impl FnOnce(Chinwag) -> Result<Chinwag>,
    ) -> Result<Self> {
        match self.running {
            Running::Bare(_) => Ok(self),
            Running::Chinwag(chinwag) => Ok(Self::chinwag(change(*chinwag)?)),
        }
    }

    fn process(&self) -> &Process {
        match &self.running {
            Running::Bare(process) => process,
            Running::Chinwag(chinwag) => &chinwag.process,
        }
    }

    /// Makes the layout's rooms, where they must be made, and tells how to speak.
    pub(crate) fn prepare(&self, layout: &Layout) -> Result<Dialect> {
        match &self.running {
            Running::Chinwag(chinwag) => chinwag.prepare(layout),
            Running::Bare(_) => Ok(match self.server {
                Server::SocketIo => Dialect::SocketIo,
                Server::Nats => Dialect::Nats,
                Server::Ejabberd => Dialect::Xmpp,
                _ => Dialect::Floor,
            }),
        }
    }

    /// Opens the layout's connections to a server that was [prepared](Self::prepare) for it.
    pub(crate) fn connect(&self, dialect: &Dialect, layout: &Layout) -> Result<Load> {
        let (load, _) = Load::connect(self.address, dialect.clone(), layout)
            .with_context(|| format!("connecting to {}", self.server.name()))?;
        self.settle()?;
        Ok(load)
    }

    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        self.process().cpu_time()
    }

    pub(crate) fn resident_kib(&self) -> Result<u64> {
        self.process().resident_kib()
    }

    /// Waits until the server has nothing left to do.
    pub(crate) fn settle(&self) -> Result<()> {
        let (started, mut nothing) = (Instant::now(), Poll::new()?);
        loop {
            let before = self.cpu_time()?;
            nothing.wait(Some(REST_LOOK))?;
            if self.cpu_time()?.saturating_sub(before) < REST_LOOK / REST_SHARE {
                return Ok(());
            }
            ensure!(
                started.elapsed() < REST_WITHIN,
                "{} does not come to rest",
                self.server.name()
            );
        }
    }

    /// Runs one phase against this server: at this pace, warm for so long, measured for so long and
    /// until `finished`.
    pub(crate) fn run(
        &self,
        load: &mut Load,
        pace: Pace,
        (warm_up, measured): (Duration, Duration),
        finished: &dyn Fn() -> bool,
    ) -> Result<Outcome> {
        let server_cpu = &|| self.cpu_time();
        load.run(&Phase { pace, warm_up, measured, finished, server_cpu })
            .with_context(|| format!("{} at {pace:?}", self.server.name()))
    }
}
