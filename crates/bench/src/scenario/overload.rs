//! More than a server can take, and readers who do not read: what is late must still come, once and
//! in order.
//!
//! A server may say that it has no room for a message; nobody may get that one. It may forget what
//! waits for a reader who does not read; then it must say so, and the reader catches up.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Bench, Loaded};
use crate::layout::Layout;
use crate::load::{Load, Pace};
use crate::subject::Server::{Chinwag, FloorC};

/// Messages a second: some times what a core can fan out to a thousand rooms of five.
const PER_SECOND: f64 = 60_000.0;
/// To a room of a hundred, of whom each tenth does not read.
const TO_SLOW_READERS: Pace = Pace::Open { per_second: 10_000.0 };
const SLOW: usize = 10;
/// So long that what waits is more than the kernel's buffers of both ends hold, about 10 MB.
const SLOW_FOR: Duration = Duration::from_secs(4);
/// Readers of a room, alone and with as many again who do not read.
const READERS: usize = 100;

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let name = format!("overload/1000x5/{PER_SECOND}-a-second");
    if bench.wants(&name) {
        let rooms = bench.size(1_000, 6);
        let layout = Layout::rooms(rooms * 5, rooms, 5);
        let mut turns = bench.load(&[FloorC, Chinwag], &layout)?;
        turns.overloaded = true;
        bench.interleave(&mut turns, &[(name, Pace::Open { per_second: PER_SECOND })])?;
    }
    if bench.wants("overload/slow-readers") {
        slow_readers(bench)?;
    }
    if bench.wants("overload/stalled") {
        stalled(bench)?;
    }
    Ok(())
}

/// What those who do not read cost the others. It is measured once the kernel's buffers are full.
fn stalled(bench: &mut Bench) -> Result<()> {
    let readers = bench.size(READERS, 10);
    let mut none = bench.load(&[Chinwag], &Layout::crowd(readers))?.loaded;
    let mut as_many = bench.load(&[Chinwag], &Layout::crowd(2 * readers))?.loaded;
    for _ in 0..bench.rounds() {
        for loaded in &mut none {
            full(bench, loaded, "overload/stalled/none", None)?;
        }
        for loaded in &mut as_many {
            full(bench, loaded, "overload/stalled/100", Some(2))?;
        }
        for loaded in none.iter_mut().chain(&mut as_many) {
            loaded.load.as_mut().map_or(Ok(()), Load::look)?;
        }
    }
    Ok(())
}

/// Measures what those have who read, while each `every`th does not.
fn full(bench: &mut Bench, loaded: &mut Loaded, name: &str, every: Option<usize>) -> Result<()> {
    let Loaded { subject, load: Some(load), .. } = loaded else {
        return Ok(());
    };
    let once = (Duration::ZERO, Duration::ZERO);
    subject.run(load, Pace::Closed { window: 1 }, once, &|| true)?;
    every.map_or(Ok(()), |every| load.pause(every))?;
    let (warm_up, measured) = bench.times();
    let warm_up = if bench.options.tiny { warm_up } else { SLOW_FOR };
    let outcome = subject.run(load, TO_SLOW_READERS, (warm_up, measured), &|| true)?;
    bench.record(name, subject, &outcome)
}

fn slow_readers(bench: &mut Bench) -> Result<()> {
    let layout = Layout::crowd(bench.size(100, 20));
    let mut turns = bench.load(&[FloorC, Chinwag], &layout)?;
    for _ in 0..bench.rounds() {
        for loaded in &mut turns.loaded {
            round(bench, loaded)?;
        }
    }
    Ok(())
}

/// First a message for each, so that everybody has a cursor to come back to.
fn round(bench: &mut Bench, Loaded { subject, load, .. }: &mut Loaded) -> Result<()> {
    let Some(load) = load else {
        return Ok(());
    };
    let once = (Duration::ZERO, Duration::ZERO);
    subject.run(load, Pace::Closed { window: 1 }, once, &|| true)?;
    load.pause(SLOW)?;
    let (warm_up, measured) = bench.times();
    let measured = if bench.options.tiny { measured } else { SLOW_FOR };
    let outcome = subject.run(load, TO_SLOW_READERS, (warm_up, measured), &|| true)?;
    let forgotten = outcome.lagged > 0 || subject.server != Chinwag || bench.options.tiny;
    ensure!(forgotten, "nobody was slow enough to be forgotten");
    bench.record("overload/slow-readers", subject, &outcome)
}
