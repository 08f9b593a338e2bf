//! More than a server can take, for as long as a phase lasts: what is late must still come, once and in
//! order. A server may say that it has no room for a message; nobody may get that one.

use anyhow::Result;

use super::Bench;
use crate::layout::Layout;
use crate::load::Pace;
use crate::subject::Server::{Chinwag, FloorC};

/// Messages a second: some times what a core can fan out to a thousand rooms of five.
const PER_SECOND: f64 = 60_000.0;

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let rooms = bench.size(1_000, 6);
    let layout = Layout::rooms(rooms * 5, rooms, 5);
    let mut turns = bench.load(&[FloorC, Chinwag], &layout)?;
    turns.may_refuse = true;
    let name = format!("overload/1000x5/{PER_SECOND}-a-second");
    bench.interleave(&mut turns, &[(name, Pace::Open { per_second: PER_SECOND })])
}
