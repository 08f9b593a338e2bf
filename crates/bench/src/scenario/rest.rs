//! What it takes up when nobody is there.

use anyhow::Result;

use super::{Bench, KIB_PER_MIB};
use crate::chinwag::{self, Chinwag};
use crate::machine::Processors;
use crate::subject::{Server, Subject};

const BYTES_PER_MB: f64 = 1e6;

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    if bench.servers(&[Server::Chinwag]).is_empty() {
        return Ok(());
    }
    let binary = std::fs::metadata(chinwag::program()?)?.len() as f64 / BYTES_PER_MB;
    bench.figures.row("rest/binary", Server::Chinwag).add("megabytes", binary);
    let data = bench.folder.path().join("empty");
    let empty = Chinwag::start(&bench.machine, Processors::Server, &data)?;
    note(bench, "rest/empty", empty)?;
    let full = bench.chinwag(Processors::Server, 0)?;
    note(bench, "rest/full", full)?;
    if let Some(fixture) = &bench.fixture {
        let (bytes, messages) = (fixture.bytes()? as f64, fixture.messages() as f64);
        let row = bench.figures.row("rest/full", Server::Chinwag);
        row.add("database_megabytes", bytes / BYTES_PER_MB);
        row.add("bytes_per_message", bytes / messages.max(1.0));
    }
    Ok(())
}

fn note(bench: &mut Bench, name: &str, chinwag: Chinwag) -> Result<()> {
    let subject = Subject::chinwag(chinwag);
    subject.settle()?;
    let resident = subject.resident_kib()? as f64 / KIB_PER_MIB;
    bench.figures.row(name, Server::Chinwag).add("resident_mib", resident);
    Ok(())
}
