//! Many rooms at once: what a chat server mostly does.

use anyhow::Result;

use super::Bench;
use crate::layout::Layout;
use crate::load::Pace;
use crate::subject::Server::{self, Chinwag, FloorA, FloorC, Nats, SocketIo, Ws};

/// Floors, Chinwag and one more would be more connections than one load may hold open.
const SERVERS: [Server; 6] = [FloorA, FloorC, Chinwag, Ws, SocketIo, Nats];

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    small(bench)?;
    middling(bench)
}

fn small(bench: &mut Bench) -> Result<()> {
    let name = "rooms/1000x5";
    if !bench.wants(name) {
        return Ok(());
    }
    let rooms = bench.size(1_000, 6);
    let layout = Layout::rooms(rooms * 5, rooms, 5);
    let mut turns = bench.load(&SERVERS, &layout)?;
    let phases = [
        (format!("{name}/256-in-flight"), Pace::Closed { window: bench.size(256, 4) as u32 }),
        (format!("{name}/4000-a-second"), Pace::Open { per_second: 4_000.0 }),
    ];
    bench.interleave(&mut turns, &phases)
}

fn middling(bench: &mut Bench) -> Result<()> {
    let name = "rooms/200x50";
    if !bench.wants(name) {
        return Ok(());
    }
    // Everybody is in two of them.
    let layout = match bench.size(200, 4) {
        200 => Layout::rooms(5_000, 200, 50),
        rooms => Layout::rooms(rooms * 5, rooms, 10),
    };
    let mut turns = bench.load(&SERVERS, &layout)?;
    let phases = [
        (format!("{name}/64-in-flight"), Pace::Closed { window: bench.size(64, 4) as u32 }),
        (format!("{name}/400-a-second"), Pace::Open { per_second: 400.0 }),
    ];
    bench.interleave(&mut turns, &phases)
}
