//! From nothing to `ready`: connect, upgrade, token check, rooms.

use anyhow::Result;

use super::Bench;
use crate::layout::Layout;
use crate::load::Load;
use crate::subject::Server::{Chinwag, FloorA, Nats, SocketIo, Ws};

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    if bench.wants("connect/10-rooms") {
        ten_rooms(bench)?;
    }
    if bench.wants("connect/1000-rooms") && !bench.servers(&[Chinwag]).is_empty() {
        thousand_rooms(bench)?;
    }
    Ok(())
}

/// One user who is in a great many rooms opens one connection.
fn thousand_rooms(bench: &mut Bench) -> Result<()> {
    let rooms = bench.size(1_000, 150);
    let layout = Layout { users: 1, connections: 1, rooms: vec![vec![0]; rooms] };
    let subject = bench.start(Chinwag, 1)?;
    let dialect = subject.prepare(&layout)?;
    for _ in 0..bench.rounds() {
        subject.settle()?;
        let (load, connected) = Load::connect(subject.address, dialect.clone(), &layout)?;
        drop(load);
        let row = bench.figures.row("connect/1000-rooms", Chinwag);
        row.add("ready_ms", connected.elapsed.as_secs_f64() * 1e3);
    }
    Ok(())
}

fn ten_rooms(bench: &mut Bench) -> Result<()> {
    let users = bench.size(1_000, 20);
    let layout = Layout::rooms(users, users, 10);
    let mut subjects = Vec::new();
    for server in bench.servers(&[FloorA, Chinwag, Ws, SocketIo, Nats]) {
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
