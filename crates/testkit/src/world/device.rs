//! A client: the real sync, and the driver that carries out what it asks for and writes the ledger.

use std::collections::BTreeMap;

use chinwag_client::sync::{Effect, PageAt, Progress, Sync};
use chinwag_core::id::{Key, RoomId, Seq};
use chinwag_core::receipt::Receipts;
use chinwag_proto::code::ErrorCode;
use chinwag_proto::frame::{ClientFrame, ServerFrame};
use chinwag_proto::rest;

use super::link::Link;
use super::model::{Command, Outcome};
use super::reading::TIMELINE_PAGE;
use super::writer::{Answer, Submission};
use super::{Happening, World};
use crate::ledger::{DeviceId, Entry};

/// After this many milliseconds without an answer a call over REST is made again.
const CALL_WITHIN_MS: u64 = 600;
/// Tries of one call: enough for any outage of the simulator.
const CALL_TRIES_MAX: u32 = 40;

/// A browser tab.
#[derive(Debug)]
pub(super) struct Device {
    pub id: DeviceId,
    pub sync: Sync,
    pub link: Option<usize>,
    pub failures: u32,
    /// What was said under each `ref`.
    asked: BTreeMap<u64, Asked>,
    /// What was posted and answered: its text, to try the same key again.
    pub said: Vec<(RoomId, Key, String)>,
    /// Head, `n` and read mark of each room as last written down.
    shown: BTreeMap<RoomId, (Seq, u64, Seq, u64)>,
    /// How far all the others have come in each room, as last written down.
    ticks: BTreeMap<RoomId, Receipts>,
}

#[derive(Debug, Clone)]
enum Asked {
    Message { room: RoomId, key: Key, text: String },
    Deletion { room: RoomId, key: Key },
    Receipt { room: RoomId, seq: Seq },
}

/// A command over REST, tried until it is answered.
#[derive(Debug)]
pub(super) struct Call {
    pub device: usize,
    pub command: Command,
    pub key: Key,
    /// The key is used again with another body, on purpose.
    pub reuse: bool,
    attempt: u32,
    pub done: bool,
}

impl Call {
    pub(super) fn new(device: usize, command: Command, key: Key, reuse: bool) -> Self {
        Self { device, command, key, reuse, attempt: 0, done: false }
    }
}

impl Device {
    pub(super) fn new(id: DeviceId) -> Self {
        Self {
            id,
            sync: Sync::new(),
            link: None,
            failures: 0,
            asked: BTreeMap::new(),
            said: Vec::new(),
            shown: BTreeMap::new(),
            ticks: BTreeMap::new(),
        }
    }
}

impl World {
    pub(super) fn connect(&mut self, device: usize, life: u16) {
        let this = &self.devices[device];
        if this.id.life != life || this.link.is_some() {
            return;
        }
        let up: Vec<usize> = (0..self.nodes.len()).filter(|&node| self.nodes[node].up).collect();
        let Some(&node) = self.random.pick(&up) else {
            return self.after(200, Happening::Connect { device, life });
        };
        let slow = self.random.chance(self.faults.slow) && !self.healing;
        let slow_ms = if slow { self.random.between(20..=150) } else { 0 };
        let boot = self.nodes[node].boot;
        self.links.push(Link::new(device, life, node, boot, slow_ms));
        self.devices[device].link = Some(self.links.len() - 1);
        self.note(device, Entry::Connected);
        let effects = self.devices[device].sync.connect("token");
        self.carry(device, effects);
    }

    pub(super) fn disconnected(&mut self, device: usize, life: u16) {
        let this = &mut self.devices[device];
        if this.id.life != life {
            return;
        }
        this.link = None;
        this.asked.clear();
        this.sync.disconnect();
        this.failures = (this.failures + 1).min(3);
        let delay_ms = self.random.below(100 << self.devices[device].failures);
        self.after(delay_ms, Happening::Connect { device, life });
    }

    /// The page is loaded anew: what was unsent is kept, all else is not.
    pub(super) fn reload(&mut self, device: usize) {
        if let Some(link) = self.devices[device].link.take() {
            self.links[link].client_open = false;
            self.cut(link);
        }
        let old = &self.devices[device];
        let id = DeviceId { life: old.id.life + 1, ..old.id };
        let mut new = Device::new(id);
        for pending in old.sync.pending() {
            let unsent = matches!(pending.progress, Progress::Waiting | Progress::Sending { .. });
            if unsent {
                let (room, key) = (pending.room, pending.key);
                let _nothing_is_connected = match &pending.command {
                    chinwag_client::sync::Command::Message { text } => {
                        new.sync.send(room, key, text.clone())
                    }
                    chinwag_client::sync::Command::Deletion { target } => {
                        new.sync.delete(room, key, *target)
                    }
                };
            }
        }
        new.said.clone_from(&old.said);
        self.devices[device] = new;
        let delay_ms = self.random.below(300);
        self.after(delay_ms, Happening::Connect { device, life: id.life });
    }

    /// Carries out what the client's state asks for.
    pub(super) fn carry(&mut self, device: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(frame) => self.carry_frame(device, frame),
                Effect::Retry { after_ms } => {
                    let life = self.devices[device].id.life;
                    self.after(after_ms, Happening::Retry { device, life });
                }
                Effect::Deliver { after_ms } => {
                    let life = self.devices[device].id.life;
                    self.after(after_ms, Happening::Deliver { device, life });
                }
                Effect::Begun { room, cursor } => self.note(device, Entry::Begun { room, cursor }),
                Effect::Applied { room, seq, key } => {
                    self.note(device, Entry::Applied { room, seq, key });
                }
                Effect::Gone { room } => self.note(device, Entry::Gone { room }),
                Effect::Refused { .. } => {}
            }
        }
    }

    fn carry_frame(&mut self, device: usize, frame: ClientFrame) {
        let asked = match &frame {
            ClientFrame::MessageSend(send) => {
                let (room, key, text) = (send.room, send.key, send.text.clone());
                Some((send.reference, Asked::Message { room, key, text }))
            }
            ClientFrame::MessageDelete(delete) => {
                let (room, key) = (delete.room, delete.key);
                Some((delete.reference, Asked::Deletion { room, key }))
            }
            ClientFrame::ReceiptSet(receipt) => {
                let seq = receipt.read.unwrap_or_default();
                let asked = Asked::Receipt { room: receipt.room, seq };
                receipt.reference.map(|reference| (reference, asked))
            }
            ClientFrame::RoomSync(sync) => {
                self.note(device, Entry::Synced { room: sync.room, after: sync.after });
                None
            }
            _ => None,
        };
        self.devices[device].asked.extend(asked);
        if let Some(link) = self.devices[device].link {
            self.say(link, frame);
        }
    }

    /// The server said something to a client.
    pub(super) fn hear(&mut self, link: usize, frame: &ServerFrame) {
        let Link { device, life, client_open, .. } = self.links[link];
        if !client_open || self.devices[device].id.life != life {
            return;
        }
        self.write_down(device, frame);
        let effects = self.devices[device].sync.apply(frame.clone());
        self.carry(device, effects);
        self.write_shown(device);
    }

    /// Writes down what changed on the screen.
    fn write_shown(&mut self, device: usize) {
        let (now_ms, this) = (self.now_ms, &mut self.devices[device]);
        for room in this.sync.rooms() {
            let info = room.info();
            let now = (info.head_seq, info.n, info.read_seq, info.read_n);
            if this.shown.insert(info.id, now) != Some(now) {
                let (head_seq, n, read_seq, read_n) = now;
                let entry = Entry::Shown { room: info.id, head_seq, n, read_seq, read_n };
                self.ledger.write(now_ms, this.id, entry);
            }
            let receipts: Receipts = info.receipts.into();
            if this.ticks.insert(info.id, receipts).unwrap_or_default() != receipts {
                self.ledger.write(now_ms, this.id, Entry::Ticks { room: info.id, receipts });
            }
        }
    }

    fn write_down(&mut self, device: usize, frame: &ServerFrame) {
        let (now_ms, id) = (self.now_ms, self.devices[device].id);
        match frame {
            ServerFrame::Event(event) => self.ledger.write_received(now_ms, id, event),
            ServerFrame::Ready(ready) => {
                self.devices[device].failures = 0;
                self.write_rooms(device, &ready.rooms);
            }
            ServerFrame::Reply(reply) => {
                self.write_rooms(device, reply.rooms.as_deref().unwrap_or_default());
                let asked = self.devices[device].asked.remove(&reply.reference);
                self.write_answer(device, asked, reply.seq);
            }
            ServerFrame::Error(error) => {
                let asked = error.reference.and_then(|of| self.devices[device].asked.remove(&of));
                let for_good = !is_for_now(error.code);
                if let (
                    Some(Asked::Message { room, key, .. } | Asked::Deletion { room, key }),
                    true,
                ) = (asked, for_good)
                {
                    self.note(device, Entry::Refused { room, key, code: error.code });
                }
            }
            _ => {}
        }
    }

    fn write_answer(&mut self, device: usize, asked: Option<Asked>, seq: Option<Seq>) {
        match asked {
            Some(Asked::Message { room, key, text }) => {
                self.devices[device].said.push((room, key, text));
                self.note(device, Entry::Done { room, key, seq });
            }
            Some(Asked::Deletion { room, key }) => {
                self.note(device, Entry::Done { room, key, seq });
            }
            Some(Asked::Receipt { room, seq }) => self.note(device, Entry::ReadDone { room, seq }),
            None => {}
        }
    }

    fn write_rooms(&mut self, device: usize, rooms: &[rest::Room]) {
        for room in rooms {
            let (id, head_seq, n, read_n) = (room.id, room.head_seq, room.n, room.read_n);
            self.note(device, Entry::Reported { room: id, head_seq, n, read_n });
        }
    }

    /// Says what was received.
    pub(super) fn say_delivered(&mut self, device: usize, life: u16) {
        if self.devices[device].id.life == life {
            let effects = self.devices[device].sync.deliver();
            self.carry(device, effects);
        }
    }

    pub(super) fn retry(&mut self, device: usize, life: u16) {
        if self.devices[device].id.life == life {
            let effects = self.devices[device].sync.retry();
            self.carry(device, effects);
        }
    }

    /// Asks for a page of a timeline; it is read now and comes in a while.
    pub(super) fn page_ask(&mut self, device: usize, room: RoomId, before: Option<Seq>) {
        let id = self.devices[device].id;
        if let Some(page) = self.model.timeline_page(id.user, room, before) {
            let delay_ms = self.random.below(400);
            let life = id.life;
            self.after(delay_ms, Happening::Page { device, life, room, before, page });
        }
    }

    pub(super) fn page(
        &mut self,
        device: usize,
        life: u16,
        room: RoomId,
        before: Option<Seq>,
        page: rest::Messages,
    ) {
        let this = &mut self.devices[device];
        if this.id.life != life || this.sync.room(room).is_none() {
            return;
        }
        let at = before.map_or(PageAt::Newest, PageAt::Before);
        if this.sync.page(room, at, TIMELINE_PAGE, page).is_err() {
            self.counts.stale_pages += 1;
            self.page_ask(device, room, before);
        }
    }

    pub(super) fn call_start(&mut self, call: usize) {
        if self.calls[call].done || self.calls[call].attempt >= CALL_TRIES_MAX {
            return;
        }
        self.calls[call].attempt += 1;
        let fresh = RoomId::new(self.now_ms, self.random.draw() as u32);
        let this = &mut self.calls[call];
        if let Command::Create { room, .. } = &mut this.command {
            *room = fresh;
        }
        let attempt = this.attempt;
        let (command, key) = (this.command.clone(), this.key);
        let user = self.devices[this.device].id.user;
        self.after(CALL_WITHIN_MS, Happening::CallLost { call, attempt });
        let node = self.random.below(self.nodes.len() as u64) as usize;
        let answer = Answer::Caller { call, attempt };
        self.submit(node, Submission::new(user, key, command, answer));
    }

    pub(super) fn call_lost(&mut self, call: usize, attempt: u32) {
        if !self.calls[call].done && self.calls[call].attempt == attempt {
            self.call_start(call);
        }
    }

    pub(super) fn call_end(&mut self, call: usize, attempt: u32, outcome: &Outcome) {
        let lost = self.random.chance(100) && !self.healing;
        if self.calls[call].done || lost {
            return;
        }
        if let Outcome::Refused(code) = outcome
            && is_for_now(*code)
        {
            if self.calls[call].attempt == attempt {
                self.after(50, Happening::CallStart { call });
            }
            return;
        }
        self.calls[call].done = true;
        self.write_call(call, outcome);
    }

    fn write_call(&mut self, call: usize, outcome: &Outcome) {
        let this = &self.calls[call];
        let (device, key, me) = (this.device, this.key, self.devices[this.device].id.user);
        let entry = match (&this.command, outcome) {
            (&Command::Send { room, .. }, Outcome::Refused(code)) => {
                (!this.reuse).then_some(Entry::Refused { room, key, code: *code })
            }
            (&Command::Send { room, .. }, _) if this.reuse => Some(Entry::ReuseTaken { room, key }),
            (&Command::Send { room, .. }, Outcome::Event { event, .. }) => {
                Some(Entry::Done { room, key, seq: Some(event.seq) })
            }
            (_, Outcome::Refused(_)) => None,
            (&Command::Join { room }, _) => Some(Entry::Joined { room, user: me }),
            (&Command::Add { room, user }, _) => Some(Entry::Joined { room, user }),
            (&Command::Leave { room }, _) => Some(Entry::Left { room, user: me }),
            (&Command::Remove { room, user }, _) => Some(Entry::Left { room, user }),
            _ => None,
        };
        if let Some(entry) = entry {
            self.note(device, entry);
        }
    }
}

fn is_for_now(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Busy | ErrorCode::Unavailable)
}
