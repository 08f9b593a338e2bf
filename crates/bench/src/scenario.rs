//! What is measured, a scenario a file, and what they share.
//!
//! A scenario's figures bear names like paths: `fan-out/1000/16-in-flight`. `--only fan-out/1000`
//! takes a part.

mod backup;
mod connect;
mod cores;
mod durable;
mod fan_out;
mod growth;
mod history;
mod idle;
mod instructions;
mod overload;
mod rest;
mod rooms;
mod sign_in;
mod start;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::chinwag::{Chinwag, Fixture};
use crate::figures::Figures;
use crate::layout::Layout;
use crate::load::{Dialect, Faults, Load, Outcome, Pace};
use crate::machine::{Machine, Processors};
use crate::peer;
use crate::subject::{Server, Subject};

const KIB_PER_MIB: f64 = 1_024.0;
/// Before a phase is measured: caches, buffers and the scheduler find their places.
const WARM_UP: Duration = Duration::from_millis(400);

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    run: fn(&mut Bench) -> Result<()>,
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "rest", about: "the binary's size, memory at rest", run: rest::run },
    Scenario {
        name: "start",
        about: "start to ready: empty, and killed with a million rows",
        run: start::run,
    },
    Scenario {
        name: "durable",
        about: "sends that are on disk before the reply",
        run: durable::run,
    },
    Scenario { name: "history", about: "the newest fifty of a million", run: history::run },
    Scenario { name: "sign-in", about: "sends while 200 people sign in", run: sign_in::run },
    Scenario { name: "fan-out", about: "one room of 100, 1,000 and 5,000", run: fan_out::run },
    Scenario { name: "rooms", about: "1,000 rooms of 5, 200 rooms of 50", run: rooms::run },
    Scenario { name: "connect", about: "connect, token check, ready", run: connect::run },
    Scenario { name: "idle", about: "memory of idle connections", run: idle::run },
    Scenario { name: "overload", about: "more than the server can take", run: overload::run },
    Scenario { name: "backup", about: "sends while the database is backed up", run: backup::run },
    Scenario { name: "cores", about: "one shard, and a shard for each core", run: cores::run },
    Scenario {
        name: "growth",
        about: "what it costs as subscribers, rooms, connections and messages grow",
        run: growth::run,
    },
    Scenario {
        name: "instructions",
        about: "what a send, a delivery and a page take, counted by callgrind",
        run: instructions::run,
    },
];

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Rounds; within one the servers take turns. A figure is the median of them.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) rounds: u32,
    /// Only this part, such as `fan-out` or `fan-out/1000`; may be repeated.
    #[arg(long)]
    only: Vec<String>,
    /// Only these servers.
    #[arg(long, value_delimiter = ',')]
    servers: Vec<Server>,
    /// The servers of others, too: ws, socket.io, NATS and ejabberd. One that is not installed is named
    /// and left out.
    #[arg(long)]
    peers: bool,
    /// Seconds for which each phase is measured.
    #[arg(long, default_value_t = 1.5)]
    seconds: f64,
    /// Fail where a figure that was measured misses its goal.
    #[arg(long)]
    pub(crate) hold: bool,
    /// Everything small and short: shows that it runs, not how fast.
    #[arg(long)]
    tiny: bool,
    /// Go before other work of this machine, which then waits. Not for `sign-in`: the kernel's own
    /// threads, which an fsync needs, would wait for the passwords too.
    #[arg(long)]
    first: bool,
    /// Messages in the database.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Bytes that a floor's delivery carries beside the text, to tell what an envelope costs.
    #[arg(long, default_value_t = 0)]
    envelope_bytes: usize,
    /// Where the report goes.
    #[arg(long, default_value = "target/bench")]
    pub(crate) out: PathBuf,
    /// Keep what the report there has of phases that are not measured now.
    #[arg(long)]
    pub(crate) add: bool,
    /// The folder whose performance.md gets this report's tables, and performance/ its plots.
    #[arg(long)]
    pub(crate) docs: Option<PathBuf>,
    /// Where users and messages are kept from one run to the next. Put it on the disk that is meant.
    #[arg(long, default_value = "target/bench-fixture")]
    fixture: PathBuf,
}

/// A run of the bench.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) options: Options,
    pub(crate) machine: Machine,
    pub(crate) figures: Figures,
    /// On the fixture's disk; gone with the run.
    folder: TempDir,
    fixture: Option<Fixture>,
    /// Peers that were asked for and are not installed.
    left_out: Vec<Server>,
}

/// A server, how it is spoken to, and the load on it while it is connected.
#[derive(Debug)]
struct Loaded {
    subject: Subject,
    dialect: Dialect,
    load: Option<Load>,
}

/// Servers that take turns in one layout.
#[derive(Debug)]
struct Turns {
    loaded: Vec<Loaded>,
    layout: Layout,
    /// They are offered more than they can take.
    overloaded: bool,
}

impl Turns {
    fn stay(&self) -> bool {
        self.loaded.iter().all(|loaded| loaded.load.is_some())
    }
}

/// Times that a phase is run until other work lets it be.
const TRIES_MAX: u32 = 3;
/// The load polls, so on a quiet machine it has its core all the time.
pub(crate) const LOAD_SHARE_MIN: f64 = 0.9;
/// Descriptors that a load holds beside its connections.
const DESCRIPTORS_SPARE: usize = 200;

impl Options {
    /// Whether a server was asked for, by its name or with all of its kind.
    fn asks_for(&self, server: Server) -> bool {
        if server.is_peer() && self.peers || self.servers.contains(&server) {
            return true;
        }
        self.servers.is_empty() && !server.is_peer()
    }
}

/// Installs the peers that were asked for, names those that cannot be, and goes on without them.
fn left_out(options: &Options) -> Vec<Server> {
    let wanted = Server::PEERS.into_iter().filter(|&peer| options.asks_for(peer));
    let missing = wanted.filter(|&peer| match peer::install(peer) {
        Ok(()) => false,
        Err(error) => {
            eprintln!("{} is left out: {error:#}", peer.name());
            true
        }
    });
    missing.collect()
}

impl Bench {
    pub(crate) fn new(options: Options) -> Result<Self> {
        if options.first {
            Machine::prefer_us()?;
        }
        std::fs::create_dir_all(&options.fixture)
            .with_context(|| format!("cannot make {}", options.fixture.display()))?;
        let left_out = left_out(&options);
        Ok(Self {
            left_out,
            machine: Machine::new()?,
            figures: Figures { commit: commit(), ..Figures::default() },
            folder: tempfile::Builder::new().prefix("run-").tempdir_in(&options.fixture)?,
            fixture: None,
            options,
        })
    }

    pub(crate) fn run(&mut self) -> Result<()> {
        for scenario in SCENARIOS {
            if self.wants(scenario.name) {
                eprintln!("{}: {}", scenario.name, scenario.about);
                let started = Instant::now();
                (scenario.run)(self).with_context(|| format!("the scenario {}", scenario.name))?;
                eprintln!("  {} took {} s", scenario.name, started.elapsed().as_secs());
            }
        }
        self.figures.fixture = self.fixture.as_ref().map(Fixture::cost);
        Ok(())
    }

    /// Whether `--only` takes something of what bears this name, or lies below it.
    fn wants(&self, name: &str) -> bool {
        let within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let only = &self.options.only;
        only.is_empty() || only.iter().any(|only| within(name, only) || within(only, name))
    }

    /// Those of these servers that take part.
    fn servers(&self, servers: &[Server]) -> Vec<Server> {
        let takes_part = |server: &Server| self.takes_part(*server);
        servers.iter().copied().filter(takes_part).collect()
    }

    fn takes_part(&self, server: Server) -> bool {
        self.options.asks_for(server) && !self.left_out.contains(&server)
    }

    /// A size, or the tiny one in its place.
    fn size(&self, full: usize, tiny: usize) -> usize {
        if self.options.tiny { tiny } else { full }
    }

    fn rounds(&self) -> u32 {
        if self.options.tiny { 1 } else { self.options.rounds }
    }

    /// How long a phase warms up, and is measured.
    fn times(&self) -> (Duration, Duration) {
        if self.options.tiny {
            return (Duration::ZERO, Duration::from_millis(100));
        }
        (WARM_UP, Duration::from_secs_f64(self.options.seconds))
    }

    fn fixture(&mut self, users: usize) -> Result<&Fixture> {
        let rows = if self.options.tiny { 500 } else { self.options.rows };
        let root = if self.options.tiny {
            self.folder.path().join("tiny")
        } else {
            self.options.fixture.clone()
        };
        self.fixture = Some(Fixture::open(&self.machine, &root, users, rows)?);
        self.fixture.as_ref().context("it was opened just now")
    }

    /// Starts Chinwag on a copy of the fixture and signs so many users in.
    fn chinwag(&mut self, processors: Processors, users: usize) -> Result<Chinwag> {
        let folder = self.folder.path().join(format!("{processors:?}"));
        let data = self.fixture(users)?.copy(&folder)?;
        let fixture = self.fixture.as_ref().context("it was opened just now")?;
        let mut chinwag = fixture.start(&self.machine, processors, &data)?;
        chinwag.sign_in(users)?;
        Ok(chinwag)
    }

    fn start(&mut self, server: Server, users: usize) -> Result<Subject> {
        if server == Server::Chinwag {
            return Ok(Subject::chinwag(self.chinwag(Processors::Server, users)?));
        }
        if server.is_peer() {
            return Subject::peer(server, &self.machine, self.folder.path());
        }
        Subject::floor(server, &self.machine, self.folder.path(), self.options.envelope_bytes)
    }

    /// Starts these servers, each with the layout's rooms. They stay connected, all of them, where one
    /// process may hold so many sockets; otherwise each is connected while it has its turn.
    fn load(&mut self, servers: &[Server], layout: &Layout) -> Result<Turns> {
        let servers = self.servers(servers);
        let sockets = servers.len() * layout.connections + DESCRIPTORS_SPARE;
        let stay = sockets as u64 <= self.machine.descriptors;
        let mut loaded = Vec::new();
        for server in servers {
            let subject = self.start(server, layout.users)?;
            let dialect = subject.prepare(layout)?;
            let load = if stay { Some(subject.connect(&dialect, layout)?) } else { None };
            loaded.push(Loaded { subject, dialect, load });
        }
        Ok(Turns { loaded, layout: layout.clone(), overloaded: false })
    }

    /// Runs the phases that are wanted, round by round, on each server in turn.
    fn interleave(&mut self, turns: &mut Turns, phases: &[(String, Pace)]) -> Result<()> {
        let wanted: Vec<_> = phases.iter().filter(|(name, _)| self.wants(name)).cloned().collect();
        for round in 1..=self.rounds() {
            if turns.stay() {
                for phase in &wanted {
                    self.phase(turns, phase)?;
                }
            } else {
                self.visit(turns, &wanted)?;
            }
            eprintln!("  round {round} of {}", self.rounds());
        }
        Ok(())
    }

    /// Runs a phase, and once or twice more where other work disturbed it. Faults count from all of them.
    fn measure(&self, subject: &Subject, load: &mut Load, pace: Pace) -> Result<Outcome> {
        let mut faults = Faults::default();
        let mut tries: u32 = if self.options.tiny { 1 } else { TRIES_MAX };
        loop {
            let mut outcome = subject.run(load, pace, self.times(), &|| true)?;
            faults += outcome.faults;
            outcome.faults = faults;
            tries -= 1;
            if tries == 0 || outcome.load_share() >= LOAD_SHARE_MIN {
                return Ok(outcome);
            }
        }
    }

    /// One phase on each server.
    fn phase(&mut self, turns: &mut Turns, (name, pace): &(String, Pace)) -> Result<()> {
        for at in 0..turns.loaded.len() {
            // Those whose turn it is not are pinged, too.
            for load in turns.loaded.iter_mut().filter_map(|loaded| loaded.load.as_mut()) {
                load.look()?;
            }
            let Loaded { subject, load, .. } = &mut turns.loaded[at];
            let load = load.as_mut().context("it stays connected")?;
            let outcome = self.measure(subject, load, *pace)?;
            check(name, &outcome, turns.overloaded)?;
            self.record(name, subject, &outcome)?;
        }
        Ok(())
    }

    /// Each server's phases, one after the other, between connecting and leaving.
    fn visit(&mut self, turns: &Turns, phases: &[(String, Pace)]) -> Result<()> {
        for Loaded { subject, dialect, .. } in &turns.loaded {
            let mut load = subject.connect(dialect, &turns.layout)?;
            for (name, pace) in phases {
                let outcome = self.measure(subject, &mut load, *pace)?;
                check(name, &outcome, turns.overloaded)?;
                self.record(name, subject, &outcome)?;
            }
            drop(load);
            subject.settle()?;
        }
        Ok(())
    }

    fn record(&mut self, name: &str, subject: &Subject, outcome: &Outcome) -> Result<()> {
        let resident = subject.resident_kib()? as f64 / KIB_PER_MIB;
        let seconds = outcome.elapsed.as_secs_f64();
        let cpu_us = outcome.server_cpu.as_secs_f64() * 1e6;
        let (deliveries, acked) = (outcome.deliveries as f64, outcome.acked as f64);
        let row = self.figures.row(name, subject.server);
        row.add("resident_mib", resident);
        row.add("deliveries_per_s", deliveries / seconds);
        row.add("cpu_us_per_delivery", cpu_us / deliveries.max(1.0));
        row.add("sends_per_s", acked / seconds);
        for (metric, count) in
            [("refused_messages", outcome.refused), ("lagged_readers", outcome.lagged)]
        {
            if count > 0 {
                row.add(metric, count as f64);
            }
        }
        row.add("cpu_us_per_send", cpu_us / acked.max(1.0));
        row.add("load_share", outcome.load_share());
        row.add("cpu_share", outcome.server_cpu.as_secs_f64() / seconds);
        row.add("bytes_per_delivery", outcome.bytes as f64 / deliveries.max(1.0));
        for (metric, times, share) in [
            ("delivery_p50_us", &outcome.delivery, 0.5),
            ("delivery_p99_us", &outcome.delivery, 0.99),
            ("send_p50_us", &outcome.ack, 0.5),
            ("send_p99_us", &outcome.ack, 0.99),
        ] {
            if let Some(us) = times.quantile_us(share) {
                row.add(metric, us);
            }
        }
        row.faults += outcome.faults;
        Ok(())
    }
}

/// What is no fault under overload is one elsewhere: less would be measured than is said.
fn check(name: &str, outcome: &Outcome, overloaded: bool) -> Result<()> {
    let Outcome { refused, lagged, .. } = outcome;
    ensure!(
        overloaded || (*refused, *lagged) == (0, 0),
        "{name}: {refused} messages were refused, {lagged} times a reader was forgotten"
    );
    Ok(())
}

/// What is checked out here, and whether something was changed since.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", "crates"]);
    let mark = if changed.is_some_and(|changed| !changed.is_empty()) { " (changed)" } else { "" };
    git(&["log", "-1", "--format=%h of %cs"]).map_or_else(String::new, |name| name + mark)
}
