//! A phase: warm up, measure, and wait until everything that was sent has come.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustix::process::getpid;

use super::{Faults, Load, PATIENCE};
use crate::histogram::Histogram;
use crate::machine::cpu_time;

/// How messages follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// So many are under way; the next is sent when one has reached everybody.
    Closed { window: u32 },
    /// So many a second, whatever the server does.
    Open { per_second: f64 },
}

#[derive(Clone, Copy)]
pub(crate) struct Phase<'a> {
    pub(crate) pace: Pace,
    pub(crate) warm_up: Duration,
    /// It is measured at least for so long, until everybody has one message …
    pub(crate) measured: Duration,
    /// … and until this is true.
    pub(crate) finished: &'a dyn Fn() -> bool,
    /// Time that the server's process has used so far.
    pub(crate) server_cpu: &'a dyn Fn() -> Result<Duration>,
}

impl fmt::Debug for Phase<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Phase").field("pace", &self.pace).finish_non_exhaustive()
    }
}

/// What is counted while a phase runs.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Connections that are in their rooms.
    pub(super) ready: usize,
    pub(super) deliveries: u64,
    /// Messages that everybody has.
    pub(super) completed: u64,
    /// Messages that their sender knows to be on disk.
    pub(super) acked: u64,
    /// Messages that the server had no room for.
    pub(super) refused: u64,
    /// Times that a reader was told to catch up.
    pub(super) lagged: u64,
    pub(super) bytes: u64,
    pub(super) faults: Faults,
    pub(super) delivery: Histogram,
    pub(super) ack: Histogram,
}

impl Tally {
    /// Faults stay: they count whenever they happen.
    fn begin(&mut self) {
        (self.deliveries, self.completed, self.acked, self.bytes) = (0, 0, 0, 0);
        (self.refused, self.lagged) = (0, 0);
        self.delivery.clear();
        self.ack.clear();
    }
}

/// What a phase came to.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) elapsed: Duration,
    pub(crate) server_cpu: Duration,
    /// Time that the load had its core. It never waits, so what is missing other work took.
    pub(crate) load_cpu: Duration,
    pub(crate) deliveries: u64,
    pub(crate) completed: u64,
    pub(crate) acked: u64,
    /// Messages that the server had no room for, and said so; nobody may get one.
    pub(crate) refused: u64,
    /// Times that a reader was so slow that the server forgot what waited, and said so.
    pub(crate) lagged: u64,
    pub(crate) bytes: u64,
    /// From when a message was due until a member had it.
    pub(crate) delivery: Histogram,
    /// From when a message was due until its sender knew that it is on disk.
    pub(crate) ack: Histogram,
    pub(crate) faults: Faults,
}

impl Outcome {
    /// How much of its core the load had.
    pub(crate) fn load_share(&self) -> f64 {
        self.load_cpu.as_secs_f64() / self.elapsed.as_secs_f64()
    }
}

impl Load {
    /// Runs a phase from an idle server to an idle server.
    pub(crate) fn run(&mut self, phase: &Phase<'_>) -> Result<Outcome> {
        self.turn(Some(Duration::ZERO))?;
        self.tally.faults = Faults::default();
        let mut due_ns = self.now_ns();
        self.drive(phase.pace, &mut due_ns, phase.warm_up, &|| true)?;
        self.tally.begin();
        let (cpu_before, load_before) = ((phase.server_cpu)()?, own_cpu()?);
        let started = Instant::now();
        self.drive(phase.pace, &mut due_ns, phase.measured, phase.finished)?;
        let elapsed = started.elapsed();
        let (cpu_after, load_after) = ((phase.server_cpu)()?, own_cpu()?);
        let mut outcome = Outcome {
            elapsed,
            server_cpu: cpu_after.saturating_sub(cpu_before),
            load_cpu: load_after.saturating_sub(load_before),
            deliveries: self.tally.deliveries,
            completed: self.tally.completed,
            acked: self.tally.acked,
            bytes: self.tally.bytes,
            delivery: self.tally.delivery.clone(),
            ack: self.tally.ack.clone(),
            refused: 0,
            lagged: 0,
            faults: Faults::default(),
        };
        self.resume()?;
        self.drain()?;
        (outcome.refused, outcome.lagged) = (self.tally.refused, self.tally.lagged);
        outcome.faults = self.tally.faults;
        Ok(outcome)
    }

    /// Sends so many at once and does not wait: what a kill should hit.
    pub(crate) fn send_and_leave(&mut self, messages: u32) -> Result<()> {
        let due_ns = self.now_ns();
        for _ in 0..messages {
            self.send_next(due_ns)?;
        }
        self.write_all()
    }

    /// Sends at this pace and polls, without ever sleeping: a wake-up would be in the latencies.
    fn drive(
        &mut self,
        pace: Pace,
        due_ns: &mut u64,
        time: Duration,
        finished: &dyn Fn() -> bool,
    ) -> Result<()> {
        let until = Instant::now() + time;
        let mut last = (self.tally.completed, Instant::now());
        loop {
            self.send_due(pace, due_ns)?;
            self.write_all()?;
            self.turn(Some(Duration::ZERO))?;
            let now = Instant::now();
            let one_arrived = self.tally.completed > 0 || !self.paused.is_empty();
            if now >= until && one_arrived && finished() {
                return Ok(());
            }
            if self.tally.completed != last.0 || self.outstanding == 0 {
                last = (self.tally.completed, now);
            }
            ensure!(
                now - last.1 < PATIENCE,
                "{} messages are under way and none arrives",
                self.outstanding
            );
        }
    }

    fn send_due(&mut self, pace: Pace, due_ns: &mut u64) -> Result<()> {
        let now_ns = self.now_ns();
        match pace {
            Pace::Closed { window } => {
                while self.outstanding < window {
                    self.send_next(now_ns)?;
                }
            }
            Pace::Open { per_second } => {
                while *due_ns <= now_ns {
                    self.send_next(*due_ns)?;
                    *due_ns += (1e9 / per_second) as u64;
                }
            }
        }
        Ok(())
    }

    /// Waits for all that is under way; what does not come is lost.
    fn drain(&mut self) -> Result<()> {
        let mut last = (self.tally.deliveries, Instant::now());
        while self.outstanding > 0 && last.1.elapsed() < PATIENCE {
            self.turn(Some(Duration::from_millis(100)))?;
            if self.tally.deliveries != last.0 {
                last = (self.tally.deliveries, Instant::now());
            }
        }
        self.outstanding = 0;
        for room in &mut self.rooms {
            self.tally.faults.lost += room.give_up();
        }
        for connection in &mut self.connections {
            for place in &mut connection.places {
                place.seen.position = self.rooms[place.room as usize].position();
            }
        }
        Ok(())
    }
}

fn own_cpu() -> Result<Duration> {
    cpu_time(getpid())
}
