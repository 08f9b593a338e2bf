//! Messages that are kept, from ten thousand to ten million, in a fixture of its own.

use anyhow::Result;

use super::super::history::{self, PAGE_BYTES};
use super::Bench;
use crate::chinwag::Fixture;
use crate::layout::Layout;
use crate::load::Pace;
use crate::machine::Processors;
use crate::subject::{Server, Subject};

const MESSAGES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// Clients who read the newest page.
const CLIENTS: usize = 4;
const PAGE: u64 = 50;
const BYTES_PER_MIB: f64 = 1_024.0 * 1_024.0;

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    if bench.servers(&[Server::Chinwag]).is_empty() {
        return Ok(());
    }
    for (at, messages) in MESSAGES.into_iter().enumerate() {
        let name = format!("growth/messages/{messages}");
        if bench.wants(&name) {
            let messages = if bench.options.tiny { PAGE * (at as u64 + 1) } else { messages };
            measure(bench, &name, messages)?;
        }
    }
    Ok(())
}

/// The newest page, and sends that are on disk before the reply, in a room of so many messages.
fn measure(bench: &mut Bench, name: &str, messages: u64) -> Result<()> {
    let root = if bench.options.tiny { bench.folder.path() } else { &bench.options.fixture };
    let fixture = Fixture::open(&bench.machine, &root.join("growth"), 1, messages)?;
    let data = fixture.copy(&bench.folder.path().join("growth-copy"))?;
    let mut chinwag = fixture.start(&bench.machine, Processors::Server, &data)?;
    chinwag.sign_in(1)?;
    let row = bench.figures.row(name, Server::Chinwag);
    row.add("ready_ms", chinwag.ready_after.as_secs_f64() * 1e3);
    row.add("database_mib", fixture.bytes()? as f64 / BYTES_PER_MIB);
    let subject = Subject::chinwag(chinwag);
    let page = history::page(&subject, PAGE_BYTES)?;
    let layout = Layout::alone(1);
    let mut load = subject.connect(&subject.prepare(&layout)?, &layout)?;
    for _ in 0..bench.rounds() {
        history::measure(bench, name, &subject, &page, CLIENTS)?;
        let outcome = bench.measure(&subject, &mut load, Pace::Closed { window: 64 })?;
        bench.record(name, &subject, &outcome)?;
    }
    Ok(())
}
