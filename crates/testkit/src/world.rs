//! The simulator: nodes with the real hub and outbox, clients with the real sync, and between them a
//! log, a bus, pipes and clocks that are simulated and go wrong.
//!
//! One seed decides everything: how many nodes, users and devices there are, what people do, what is
//! lost, doubled, delayed or cut, and who crashes when. The same seed gives the same run, to the last
//! record; [`Report::trace`] shows it. A run is a phase of chaos and one of healing, after which all
//! must have come together within [`CONVERGE_WITHIN_MS`]; then [`crate::check`] judges the ledger.
//!
//! Absent on purpose: bytes (the codec has its own properties), passwords, rates.

mod bug;
mod device;
mod evidence;
mod link;
mod model;
mod node;
mod reading;
mod workload;
mod writer;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use chinwag_core::event::Event;
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_proto::frame::{ClientFrame, ServerFrame};
use chinwag_proto::rest::Messages;

use crate::check::{self, Violation};
use crate::ledger::{Entry, Ledger};
use crate::random::Random;
use device::Device;
use link::Link;
use model::{Model, Outcome};
use node::Node;
use reading::Opening;
use writer::Commit;

pub use bug::Bug;

/// Virtual milliseconds of work and faults.
const CHAOS_MS: u64 = 12_000;
/// Virtual milliseconds after the last fault in which all who are online must have the same.
pub const CONVERGE_WITHIN_MS: u64 = 10_000;
/// The clock at the start, Unix milliseconds; the hub and the log share it.
const START_MS: u64 = 1_800_000_000_000;
/// Happenings of one run: far above any honest one, so that a loop without an end fails.
const HAPPENINGS_MAX: u64 = 400_000;

/// What came of one run.
#[derive(Debug)]
pub struct Report {
    pub seed: u64,
    /// A hash of every happening and record, in order.
    pub trace: u64,
    pub happenings: u64,
    pub ledger: Ledger,
    /// Empty where every promise was kept.
    pub violations: Vec<Violation>,
    /// Virtual milliseconds from the last fault until all had the same; none where they never did.
    pub converged_after_ms: Option<u64>,
    pub counts: Counts,
}

/// How much went on, so that a test can see that the faults did happen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub cuts: u64,
    pub crashes: u64,
    pub lagged: u64,
    pub fetches: u64,
    pub lost_on_bus: u64,
    pub repeated: u64,
    pub rollbacks: u64,
    pub unknown: u64,
    pub stale_pages: u64,
}

/// Something that is due at a moment.
#[derive(Debug, Clone)]
enum Happening {
    Connect { device: usize, life: u16 },
    Act { device: usize },
    Retry { device: usize, life: u16 },
    Deliver { device: usize, life: u16 },
    Page { device: usize, life: u16, room: RoomId, before: Option<Seq>, page: Messages },
    ToServer { link: usize },
    ToClient { link: usize },
    ServerNotices { link: usize },
    ClientNotices { link: usize },
    Heard { link: usize },
    Snapshot { link: usize, cursors: Vec<(RoomId, Seq)> },
    Join { link: usize, opening: Box<Opening> },
    Query { link: usize, frame: Box<ClientFrame> },
    Answer { link: usize, frames: Vec<ServerFrame> },
    Wake { node: usize, boot: u32 },
    Second { node: usize, boot: u32 },
    Bus { node: usize, event: Arc<Event> },
    Fetch { node: usize, boot: u32, room: RoomId, after: Seq },
    CommitEnd { number: u64 },
    Crash,
    Start { node: usize },
    CallStart { call: usize },
    CallEnd { call: usize, attempt: u32, outcome: Outcome },
    CallLost { call: usize, attempt: u32 },
}

/// How often what goes wrong, in a thousand; drawn for each run.
#[derive(Debug, Clone, Copy)]
struct Faults {
    bus_loss: u64,
    bus_double: u64,
    cut: u64,
    slow: u64,
    rollback: u64,
    unknown: u64,
    /// The `self` room is in `ready`, as it should be.
    own_in_ready: bool,
}

/// All there is. See the module.
#[derive(Debug)]
struct World {
    now_ms: u64,
    random: Random,
    agenda: BTreeMap<(u64, u64), Happening>,
    scheduled: u64,
    bug: Option<Bug>,
    faults: Faults,
    healing: bool,
    model: Model,
    nodes: Vec<Node>,
    links: Vec<Link>,
    devices: Vec<Device>,
    users: Vec<UserId>,
    calls: Vec<device::Call>,
    commit: Option<Commit>,
    commits: u64,
    ledger: Ledger,
    counts: Counts,
    trace: DefaultHasher,
    traced: usize,
}

/// Runs one world to its end and judges it.
#[must_use]
pub fn run(seed: u64, bug: Option<Bug>) -> Report {
    let mut world = World::new(seed, bug);
    world.start();
    let mut happenings = world.run_until(START_MS + CHAOS_MS);
    world.heal();
    let healed_ms = world.now_ms;
    let mut converged_after_ms = None;
    while converged_after_ms.is_none() && world.now_ms < healed_ms + CONVERGE_WITHIN_MS {
        happenings += world.run_until(world.now_ms + 100);
        if world.has_converged() {
            converged_after_ms = Some(world.now_ms - healed_ms);
        }
    }
    let evidence = world.evidence();
    let violations = check::check(&world.ledger, &evidence);
    Report {
        seed,
        trace: world.trace.finish(),
        happenings,
        ledger: world.ledger,
        violations,
        converged_after_ms,
        counts: world.counts,
    }
}

impl World {
    fn new(seed: u64, bug: Option<Bug>) -> Self {
        let mut random = Random::new(seed);
        let faults = Faults {
            bus_loss: random.below(150),
            bus_double: random.below(100),
            cut: random.below(120),
            slow: random.below(400),
            rollback: random.below(60),
            unknown: random.below(40),
            own_in_ready: random.chance(700),
        };
        Self {
            now_ms: START_MS,
            random,
            agenda: BTreeMap::new(),
            scheduled: 0,
            bug,
            faults,
            healing: false,
            model: Model::new(bug),
            nodes: Vec::new(),
            links: Vec::new(),
            devices: Vec::new(),
            users: Vec::new(),
            calls: Vec::new(),
            commit: None,
            commits: 0,
            ledger: Ledger::new(),
            counts: Counts::default(),
            trace: DefaultHasher::new(),
            traced: 0,
        }
    }

    /// Something happens after this many milliseconds.
    fn after(&mut self, delay_ms: u64, happening: Happening) {
        self.scheduled += 1;
        self.agenda.insert((self.now_ms + delay_ms, self.scheduled), happening);
    }

    fn run_until(&mut self, end_ms: u64) -> u64 {
        let mut happenings = 0;
        while let Some(entry) = self.agenda.first_entry() {
            let (at_ms, number) = *entry.key();
            if at_ms > end_ms {
                break;
            }
            let happening = entry.remove();
            self.now_ms = at_ms;
            happenings += 1;
            assert!(happenings < HAPPENINGS_MAX, "it never comes to rest: {happening:?}");
            (at_ms, number, std::mem::discriminant(&happening)).hash(&mut self.trace);
            self.happen(happening);
            self.ledger.records()[self.traced..].hash(&mut self.trace);
            self.traced = self.ledger.records().len();
        }
        self.now_ms = end_ms;
        happenings
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Connect { device, life } => self.connect(device, life),
            Happening::Act { device } => self.act(device),
            Happening::Retry { device, life } => self.retry(device, life),
            Happening::Deliver { device, life } => self.say_delivered(device, life),
            Happening::Page { device, life, room, before, page } => {
                self.page(device, life, room, before, page);
            }
            Happening::ToServer { link } => self.upstream(link),
            Happening::ToClient { link } => self.downstream(link),
            Happening::ServerNotices { link } => self.server_notices(link),
            Happening::ClientNotices { link } => self.client_notices(link),
            Happening::Heard { link } => self.heard(link),
            Happening::Snapshot { link, cursors } => self.snapshot(link, &cursors),
            Happening::Join { link, opening } => self.join(link, *opening),
            Happening::Query { link, frame } => self.query(link, &frame),
            Happening::Answer { link, frames } => self.answer(link, frames),
            Happening::Wake { node, boot } => self.wake(node, boot),
            Happening::Second { node, boot } => self.second(node, boot),
            Happening::Bus { node, event } => self.bus(node, &event),
            Happening::Fetch { node, boot, room, after } => self.fetch(node, boot, room, after),
            Happening::CommitEnd { number } => self.commit_end(number),
            Happening::Crash => self.crash(),
            Happening::Start { node } => self.node_start(node),
            Happening::CallStart { call } => self.call_start(call),
            Happening::CallEnd { call, attempt, outcome } => self.call_end(call, attempt, &outcome),
            Happening::CallLost { call, attempt } => self.call_lost(call, attempt),
        }
    }

    fn note(&mut self, device: usize, entry: Entry) {
        self.ledger.write(self.now_ms, self.devices[device].id, entry);
    }

    /// From now on nothing goes wrong and nobody begins anything new.
    fn heal(&mut self) {
        self.healing = true;
        self.agenda.retain(|_, happening| {
            !matches!(happening, Happening::Crash | Happening::Act { .. } | Happening::Start { .. })
        });
        for link in &mut self.links {
            link.slow_ms = 0;
        }
        for node in 0..self.nodes.len() {
            if !self.nodes[node].up {
                self.node_start(node);
            }
        }
    }
}
