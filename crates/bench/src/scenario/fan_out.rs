//! One room: what a message costs for each who reads it.

use anyhow::Result;

use super::Bench;
use crate::layout::Layout;
use crate::load::Pace;
use crate::subject::Server::{Chinwag, Ejabberd, FloorA, FloorB, FloorC, Nats, SocketIo, Ws};

struct Size {
    members: usize,
    tiny: usize,
    /// Messages under way where they queue.
    window: u32,
    /// Messages a second below half load.
    per_second: f64,
}

const SIZES: [Size; 3] = [
    Size { members: 100, tiny: 5, window: 32, per_second: 200.0 },
    Size { members: 1_000, tiny: 12, window: 16, per_second: 40.0 },
    Size { members: 5_000, tiny: 120, window: 8, per_second: 8.0 },
];

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    for Size { members, tiny, window, per_second } in SIZES {
        let name = format!("fan-out/{members}");
        if !bench.wants(&name) {
            continue;
        }
        let layout = Layout::crowd(bench.size(members, tiny));
        // With floor C they would be more than one load may hold open; ejabberd takes minutes to join.
        let servers: &[_] = match members {
            5_000 => &[FloorA, FloorB, Chinwag, Ws, SocketIo, Nats],
            _ => &[FloorA, FloorB, FloorC, Chinwag, Ws, SocketIo, Nats, Ejabberd],
        };
        let mut turns = bench.load(servers, &layout)?;
        let phases = [
            (format!("{name}/one-at-a-time"), Pace::Closed { window: 1 }),
            (format!("{name}/{window}-in-flight"), Pace::Closed { window }),
            (format!("{name}/{per_second}-a-second"), Pace::Open { per_second }),
        ];
        bench.interleave(&mut turns, &phases)?;
    }
    Ok(())
}
