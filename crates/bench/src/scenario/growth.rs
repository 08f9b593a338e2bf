//! What it costs as something grows: a line for each, from little to what this machine can hold.
//!
//! A point is the median of a few rounds; a line is judged by its shape.

mod messages;

use anyhow::Result;

use super::{Bench, idle};
use crate::layout::Layout;
use crate::load::Pace;
use crate::subject::Server::{Chinwag, FloorB, FloorC};

const SUBSCRIBERS: [usize; 7] = [10, 30, 100, 300, 1_000, 3_000, 10_000];
const ROOMS: [usize; 6] = [1, 10, 100, 1_000, 10_000, 100_000];
const CONNECTIONS: [usize; 5] = [1_000, 2_000, 5_000, 10_000, 18_000];
/// Accounts cost their passwords, so there are no more of them; some have two devices or more.
const USERS_MAX: usize = 5_000;
const ROUNDS_MAX: u32 = 3;

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let rounds = bench.options.rounds;
    bench.options.rounds = rounds.min(ROUNDS_MAX);
    subscribers(bench)?;
    rooms(bench)?;
    connections(bench)?;
    messages::run(bench)?;
    bench.options.rounds = rounds;
    Ok(())
}

/// One room, sixteen messages under way.
fn subscribers(bench: &mut Bench) -> Result<()> {
    for (at, members) in SUBSCRIBERS.into_iter().enumerate() {
        let name = format!("growth/subscribers/{members}");
        if !bench.wants(&name) {
            continue;
        }
        let members = bench.size(members, at + 2);
        let layout = Layout::crowd(members.min(USERS_MAX)).with_connections(members);
        let mut turns = bench.load(&[FloorB, Chinwag], &layout)?;
        bench.interleave(&mut turns, &[(name, Pace::Closed { window: 16 })])?;
    }
    Ok(())
}

/// Rooms of five, all of them written to in turn.
fn rooms(bench: &mut Bench) -> Result<()> {
    for (at, rooms) in ROOMS.into_iter().enumerate() {
        let name = format!("growth/rooms/{rooms}");
        if !bench.wants(&name) {
            continue;
        }
        let rooms = bench.size(rooms, at + 1);
        let layout = Layout::rooms((rooms * 5).min(USERS_MAX), rooms, 5);
        let mut turns = bench.load(&[FloorC, Chinwag], &layout)?;
        bench.interleave(&mut turns, &[(name, Pace::Closed { window: 256 })])?;
    }
    Ok(())
}

/// Each in ten rooms of ten members: what they hold while they are silent, then what a delivery costs.
fn connections(bench: &mut Bench) -> Result<()> {
    for (at, connections) in CONNECTIONS.into_iter().enumerate() {
        let name = format!("growth/connections/{connections}");
        if !bench.wants(&name) {
            continue;
        }
        let connections = bench.size(connections, 20 + at);
        let users = connections.min(bench.size(USERS_MAX, 20));
        let layout = Layout::rooms(users, users, 10).with_connections(connections);
        for server in bench.servers(&[FloorC, Chinwag]) {
            let (subject, mut load) = idle::measure(bench, &name, server, &layout)?;
            for _ in 0..bench.rounds() {
                let pace = Pace::Closed { window: 64 };
                let outcome = bench.measure(&subject, &mut load, pace)?;
                bench.record(&name, &subject, &outcome)?;
            }
        }
    }
    Ok(())
}
