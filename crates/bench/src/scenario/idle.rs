//! Signed in, in ten rooms of ten members, and silent: what it holds of memory.

use std::time::Duration;

use anyhow::Result;

use super::Bench;
use crate::chinwag::Ending;
use crate::layout::Layout;
use crate::load::Load;
use crate::subject::Server::{self, Chinwag, FloorA, Nats, SocketIo, Ws};
use crate::subject::Subject;

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    for connections in [10_000, 18_000] {
        let name = format!("idle/{connections}");
        if !bench.wants(&name) {
            continue;
        }
        let users = bench.size(5_000, 20);
        let connections = bench.size(connections, 40);
        let layout = Layout::rooms(users, users, 10).with_connections(connections);
        for server in bench.servers(&[FloorA, Chinwag, Ws, SocketIo, Nats]) {
            drop(measure(bench, &name, server, &layout)?);
        }
    }
    Ok(())
}

/// Longer than the server's allocator keeps what was freed (10 s), which the openings used for a moment.
const REST: Duration = Duration::from_secs(12);

/// Once: memory that was used before would be used again, and hide what a connection takes.
pub(super) fn measure(
    bench: &mut Bench,
    name: &str,
    server: Server,
    layout: &Layout,
) -> Result<(Subject, Load)> {
    let subject = bench.start(server, layout.users)?;
    let dialect = subject.prepare(layout)?;
    let machine = &bench.machine;
    let subject = subject.map_chinwag(|chinwag| chinwag.restart(machine, Ending::Terminated))?;
    subject.settle()?;
    let (resident, cpu) = (subject.resident_kib()?, subject.cpu_time()?);
    let (mut load, connected) = Load::connect(subject.address, dialect, layout)?;
    let cpu_us = (subject.cpu_time()? - cpu).as_secs_f64() * 1e6;
    load.rest(if bench.options.tiny { Duration::ZERO } else { REST })?;
    let grown = subject.resident_kib()?.saturating_sub(resident) as f64;
    let count = connected.connections as f64;
    let row = bench.figures.row(name, server);
    row.add("kib_per_connection", grown / count);
    row.add("resident_before_mib", resident as f64 / 1_024.0);
    row.add("connects_per_s", count / connected.elapsed.as_secs_f64());
    row.add("cpu_us_per_connect", cpu_us / count);
    Ok((subject, load))
}
