//! How many instructions of its own code the server spends: on a send that is kept, on a delivery, on
//! a page of history.
//!
//! Callgrind counts them, so a busy machine counts the same as a quiet one, and the suite can hold the
//! figures to an allowance. The kernel's part is not in them; the ratios to the floors have that. It
//! takes valgrind, so it runs only where it is asked for by name.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Bench;
use crate::chinwag::{Chinwag, Http, program};
use crate::layout::Layout;
use crate::load::{Load, Pace, Phase};
use crate::machine::Processors;
use crate::subject::Server;

/// Readers of the one room: enough that what a message costs once does not hide what each costs.
const READERS: usize = 50;
const PAGE: usize = 50;
const PAGES: usize = 50;
/// The server is many times slower while it is counted.
const SENDS_FOR: Duration = Duration::from_secs(2);

/// A server whose instructions are counted.
struct Counted {
    chinwag: Chinwag,
    counts: PathBuf,
    dumps: usize,
}

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    if bench.options.only.is_empty() || bench.servers(&[Server::Chinwag]).is_empty() {
        return Ok(());
    }
    let mut counted = start(bench)?;
    for (name, readers) in [("alone", 1), ("room", READERS)] {
        let layout = Layout::crowd(1).with_connections(readers);
        let dialect = counted.chinwag.prepare(&layout)?;
        let (mut load, _) = Load::connect(counted.chinwag.address, dialect, &layout)?;
        send(&mut load)?;
        counted.dump()?;
        let sends = send(&mut load)?;
        let spent = counted.dump()? as f64 / sends as f64;
        let row = bench.figures.row(&format!("instructions/{name}"), Server::Chinwag);
        row.add("instructions_per_send", spent);
        row.add("instructions_per_delivery", spent / readers as f64);
    }
    let spent = pages(&mut counted)?;
    bench.figures.row("instructions/history", Server::Chinwag).add("instructions_per_page", spent);
    counted.chinwag.process.terminate()
}

/// The fixture's users are made at full speed; only then is a server started that is counted.
fn start(bench: &mut Bench) -> Result<Counted> {
    let folder = bench.folder.path().to_owned();
    let data = bench.fixture(1)?.copy(&folder)?;
    let counts = folder.join("callgrind");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind"]);
    valgrind.arg(format!("--callgrind-out-file={}", counts.display())).arg(program()?);
    let fixture = bench.fixture.as_ref().context("it was opened just now")?;
    let started = fixture.start_by(&bench.machine, Processors::Server, &data, valgrind);
    let mut chinwag = started.context("counting instructions takes valgrind")?;
    chinwag.sign_in(1)?;
    Ok(Counted { chinwag, counts, dumps: 0 })
}

/// One message after the other; how many were kept.
fn send(load: &mut Load) -> Result<u64> {
    let outcome = load.run(&Phase {
        pace: Pace::Closed { window: 1 },
        warm_up: Duration::ZERO,
        measured: SENDS_FOR,
        finished: &|| true,
        server_cpu: &|| Ok(Duration::ZERO),
    })?;
    ensure!(outcome.faults.total() == 0, "{:?}", outcome.faults);
    Ok(outcome.acked)
}

fn pages(counted: &mut Counted) -> Result<f64> {
    let chinwag = &counted.chinwag;
    let path = format!("/v1/rooms/{}/messages?limit={PAGE}", chinwag.archive);
    let token = chinwag.access_tokens.first().cloned();
    let mut http = Http::connect(chinwag.address)?;
    let mut ask = |count| -> Result<()> {
        for _ in 0..count {
            let answer = http.call("GET", &path, token.as_deref(), None)?;
            ensure!(answer.status == 200, "a page was answered with {}", answer.status);
        }
        Ok(())
    };
    ask(PAGES)?;
    counted.dump()?;
    ask(PAGES)?;
    Ok(counted.dump()? as f64 / PAGES as f64)
}

impl Counted {
    /// Instructions since the last time.
    fn dump(&mut self) -> Result<u64> {
        let mut control = Command::new("callgrind_control");
        control.arg("--dump").arg(self.chinwag.process.id().to_string());
        let done = control.stdout(Stdio::null()).status().context("callgrind_control")?;
        ensure!(done.success(), "callgrind_control ended with {done}");
        self.dumps += 1;
        total(&self.counts.with_extension(self.dumps.to_string()))
    }
}

fn total(dump: &Path) -> Result<u64> {
    let text = std::fs::read(dump).with_context(|| format!("cannot read {}", dump.display()))?;
    let text = String::from_utf8_lossy(&text);
    let number = text.lines().find_map(|line| line.strip_prefix("totals: "));
    number.and_then(|number| number.trim().parse().ok()).context("callgrind tells no total")
}
