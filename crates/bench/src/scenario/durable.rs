//! Sends that are on disk before their sender is told: what group commit is worth.
//!
//! Whoever sends alone in a room with one message under way pays for a commit of its own; that is
//! the figure which the others are compared with.

use anyhow::Result;

use super::Bench;
use crate::layout::Layout;
use crate::load::Pace;
use crate::subject::Server::{Chinwag, FloorC};

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let rooms = bench.size(100, 3);
    let cases = [
        ("alone", Layout::alone(1), &[1, 64][..]),
        ("room-of-8", Layout::crowd(8), &[512]),
        ("100-rooms", Layout::alone(rooms), &[400]),
    ];
    for (name, layout, windows) in cases {
        let name = format!("durable/{name}");
        if !bench.wants(&name) {
            continue;
        }
        let mut turns = bench.load(&[FloorC, Chinwag], &layout)?;
        let phase = |&window: &u32| (format!("{name}/{window}-in-flight"), Pace::Closed { window });
        let phases: Vec<_> = windows.iter().map(phase).collect();
        bench.interleave(&mut turns, &phases)?;
    }
    Ok(())
}
