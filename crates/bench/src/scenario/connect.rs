//! From nothing to `ready`: connect, upgrade, token check, rooms.

use anyhow::Result;

use super::Bench;
use crate::layout::Layout;
use crate::load::Load;
use crate::subject::Server::{Chinwag, FloorA};

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let users = bench.size(1_000, 20);
    let layout = Layout::rooms(users, users, 10);
    let mut subjects = Vec::new();
    for server in bench.servers(&[FloorA, Chinwag]) {
        let subject = bench.start(server, users)?;
        let dialect = subject.prepare(&layout)?;
        subjects.push((subject, dialect));
    }
    for _ in 0..bench.rounds() {
        for (subject, dialect) in &subjects {
            subject.settle()?;
            let before = subject.cpu_time()?;
            let (load, connected) = Load::connect(subject.address, dialect.clone(), &layout)?;
            let cpu_us = (subject.cpu_time()? - before).as_secs_f64() * 1e6;
            drop(load);
            let count = connected.connections as f64;
            let row = bench.figures.row("connect/10-rooms", subject.server);
            row.add("connects_per_s", count / connected.elapsed.as_secs_f64());
            row.add("cpu_us_per_connect", cpu_us / count);
        }
    }
    Ok(())
}
