//! From the start of the process to its first positive answer.

use anyhow::Result;

use super::Bench;
use crate::chinwag::{Chinwag, Ending};
use crate::layout::Layout;
use crate::load::{Load, Pace};
use crate::machine::Processors;
use crate::subject::{Server, Subject};

/// Users who write when the process is killed.
const WRITERS: usize = 8;

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    if bench.servers(&[Server::Chinwag]).is_empty() {
        return Ok(());
    }
    for round in 0..bench.rounds() {
        if bench.wants("start/empty") {
            let data = bench.folder.path().join(format!("empty-{round}"));
            let chinwag = Chinwag::start(&bench.machine, Processors::Server, &data)?;
            note(bench, "start/empty", &chinwag);
            chinwag.process.terminate()?;
        }
        if bench.wants("start/killed") {
            killed(bench)?;
        }
    }
    Ok(())
}

/// `kill -9` while it commits, on a database of a million rows.
fn killed(bench: &mut Bench) -> Result<()> {
    let chinwag = bench.chinwag(Processors::Server, WRITERS)?;
    let subject = Subject::chinwag(chinwag);
    let layout = Layout::crowd(WRITERS);
    let dialect = subject.prepare(&layout)?;
    let (mut load, _) = Load::connect(subject.address, dialect, &layout)?;
    let outcome = subject.run(&mut load, Pace::Closed { window: 256 }, bench.times(), &|| true)?;
    load.send_and_leave(256)?;
    let machine = &bench.machine;
    let subject = subject.map_chinwag(|chinwag| chinwag.restart(machine, Ending::Killed))?;
    drop(load);
    bench.figures.row("start/killed", Server::Chinwag).faults += outcome.faults;
    if let Some(chinwag) = subject.as_chinwag() {
        note(bench, "start/killed", chinwag);
    }
    Ok(())
}

fn note(bench: &mut Bench, name: &str, chinwag: &Chinwag) {
    let ms = chinwag.ready_after.as_secs_f64() * 1e3;
    bench.figures.row(name, Server::Chinwag).add("ready_ms", ms);
}
