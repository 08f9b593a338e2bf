//! A server under measurement, whichever it is.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::chinwag::Chinwag;
use crate::layout::Layout;
use crate::load::{Dialect, Load, Outcome, Pace, Phase};
use crate::machine::Machine;
use crate::poll::Poll;
use crate::process::Process;

/// A server that used no more than this of such a time is at rest.
const REST_SHARE: u32 = 20;
const REST_LOOK: Duration = Duration::from_millis(100);
const REST_WITHIN: Duration = Duration::from_secs(30);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Server {
    FloorA,
    FloorB,
    FloorC,
    /// Chinwag's database with nothing around it.
    Sqlite,
    Chinwag,
}

impl Server {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FloorA => "floor-a",
            Self::FloorB => "floor-b",
            Self::FloorC => "floor-c",
            Self::Sqlite => "sqlite",
            Self::Chinwag => "chinwag",
        }
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
    Floor(Process),
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
        Ok(Self { server, address, running: Running::Floor(process) })
    }

    pub(crate) fn chinwag(chinwag: Chinwag) -> Self {
        let (server, address) = (Server::Chinwag, chinwag.address);
        Self { server, address, running: Running::Chinwag(Box::new(chinwag)) }
    }

    pub(crate) fn as_chinwag(&self) -> Option<&Chinwag> {
        match &self.running {
            Running::Floor(_) => None,
            Running::Chinwag(chinwag) => Some(chinwag),
        }
    }

    /// Does something to a Chinwag that ends its process; a floor stays as it is.
    pub(crate) fn map_chinwag(
        self,
        change: impl FnOnce(Chinwag) -> Result<Chinwag>,
    ) -> Result<Self> {
        match self.running {
            Running::Floor(_) => Ok(self),
            Running::Chinwag(chinwag) => Ok(Self::chinwag(change(*chinwag)?)),
        }
    }

    fn process(&self) -> &Process {
        match &self.running {
            Running::Floor(process) => process,
            Running::Chinwag(chinwag) => &chinwag.process,
        }
    }

    /// Makes the layout's rooms, where they must be made, and tells how to speak.
    pub(crate) fn prepare(&self, layout: &Layout) -> Result<Dialect> {
        match &self.running {
            Running::Floor(_) => Ok(Dialect::Floor),
            Running::Chinwag(chinwag) => chinwag.prepare(layout),
        }
    }

    pub(crate) fn connect(&self, layout: &Layout) -> Result<Load> {
        let dialect = self.prepare(layout)?;
        let (load, _) = Load::connect(self.address, dialect, layout)
            .with_context(|| format!("connecting to {}", self.server.name()))?;
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
