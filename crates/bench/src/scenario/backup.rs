//! A send's time while the database is backed up, and while it is not. `--rows 4000000` makes a database
//! of a gigabyte.

use std::cell::RefCell;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::Bench;
use crate::chinwag::program;
use crate::layout::Layout;
use crate::load::{Load, Pace};
use crate::machine::Processors;
use crate::subject::{Server, Subject};

/// Messages a second in a room of fifty: well below half load.
const PACE: Pace = Pace::Open { per_second: 500.0 };
const NAME: &str = "backup/while-it-runs";

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    if bench.servers(&[Server::Chinwag]).is_empty() {
        return Ok(());
    }
    let members = bench.size(50, 5);
    let subject = Subject::chinwag(bench.chinwag(Processors::Server, members)?);
    let layout = Layout::crowd(members);
    let mut load = subject.connect(&subject.prepare(&layout)?, &layout)?;
    for _ in 0..bench.rounds() {
        round(bench, &subject, &mut load)?;
    }
    Ok(())
}

fn round(bench: &mut Bench, subject: &Subject, load: &mut Load) -> Result<()> {
    let quiet = subject.run(load, PACE, bench.times(), &|| true)?;
    bench.record("backup/quiet", subject, &quiet)?;
    let data = subject.as_chinwag().context("it is Chinwag")?.data();
    let file = bench.folder.path().join("backup.db");
    let mut command = Command::new(program()?);
    command.arg("backup").arg(&file).arg("--force").arg("--data").arg(data);
    command.stdout(Stdio::null());
    let started = Instant::now();
    let backup = RefCell::new(bench.machine.on(Processors::All, || command.spawn())??);
    let is_over = || backup.borrow_mut().try_wait().is_ok_and(|ended| ended.is_some());
    let busy = subject.run(load, PACE, bench.times(), &is_over)?;
    let (status, seconds) = (backup.into_inner().wait()?, started.elapsed().as_secs_f64());
    ensure!(status.success(), "the backup ended with {status}");
    bench.record(NAME, subject, &busy)?;
    let row = bench.figures.row(NAME, Server::Chinwag);
    row.add("seconds", seconds);
    row.add("megabytes", std::fs::metadata(&file)?.len() as f64 / 1e6);
    for (metric, share) in [("times_quiet_p50", 0.5), ("times_quiet_p99", 0.99)] {
        let times = busy.ack.quantile_us(share).zip(quiet.ack.quantile_us(share));
        let (busy, quiet) = times.context("nothing was sent")?;
        row.add(metric, busy / quiet);
    }
    Ok(())
}
