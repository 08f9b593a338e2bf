//! One shard on a core of its own, and a shard for each core.
//!
//! On a machine of two cores the load shares one of them with the second shard, so what comes of it
//! is a lower bound of what a second core is worth.

use anyhow::Result;

use super::Bench;
use crate::layout::Layout;
use crate::load::{Load, Pace};
use crate::machine::Processors;
use crate::subject::{Server, Subject};

/// A server, its name in the figures, and the load on it.
type Loaded = (String, Subject, Load);

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    if bench.servers(&[Server::Chinwag]).is_empty() {
        return Ok(());
    }
    let members = bench.size(1_000, 8);
    let cases = [
        ("fan-out-1000", Layout::crowd(members), 16),
        ("rooms-1000x5", Layout::rooms(members * 5, members, 5), 256),
        ("durable-alone", Layout::alone(1), 64),
    ];
    for (case, layout, window) in cases {
        if !bench.wants(&format!("cores/{case}")) {
            continue;
        }
        let mut loaded = Vec::new();
        for (processors, shards) in
            [(Processors::Server, 1), (Processors::All, bench.machine.processors)]
        {
            let subject = Subject::chinwag(bench.chinwag(processors, layout.users)?);
            let load = subject.connect(&subject.prepare(&layout)?, &layout)?;
            loaded.push((format!("cores/{case}/{shards}-shards"), subject, load));
        }
        rounds(bench, &mut loaded, Pace::Closed { window })?;
    }
    Ok(())
}

fn rounds(bench: &mut Bench, loaded: &mut [Loaded], pace: Pace) -> Result<()> {
    for _ in 0..bench.rounds() {
        for (name, subject, load) in &mut *loaded {
            let outcome = subject.run(load, pace, bench.times(), &|| true)?;
            bench.record(name, subject, &outcome)?;
        }
    }
    Ok(())
}
