//! What people do, and what goes wrong, by chance.

use chinwag_client::sync::{Pending, Progress};
use chinwag_core::access::RoomKind;
use chinwag_core::id::{Key, RoomId, Seq, UserId};

use super::device::{Call, Device};
use super::model::{Asker, Command, RoomState};
use super::node::Node;
use super::{Happening, START_MS, World};
use crate::ledger::{DeviceId, Entry, text_hash};

impl World {
    /// Draws the house: nodes, users with their devices, and the first rooms.
    pub(super) fn start(&mut self) {
        let nodes = self.random.between(1..=3);
        let users = self.random.between(3..=5);
        for node in 0..nodes as usize {
            self.nodes.push(Node::default());
            self.node_start(node);
        }
        for number in 0..users as u32 {
            let user = UserId::new(START_MS, number + 1);
            self.users.push(user);
            self.model.user_add(user);
            if self.random.chance(200) {
                self.model.quiet.insert(user);
            }
        }
        for number in 0..4 {
            self.first_room(number);
        }
        for user in self.users.clone() {
            for number in 0..self.random.between(1..=2) as u16 {
                self.device_add(DeviceId { user, number, life: 0 });
            }
        }
        let first_crash_ms = self.random.between(1_500..=8_000);
        self.after(first_crash_ms, Happening::Crash);
    }

    fn first_room(&mut self, number: u32) {
        let room = RoomId::new(START_MS, 1_000 + number);
        let kind = if number < 2 { RoomKind::Channel } else { RoomKind::Group };
        let others = self.random.below(self.users.len() as u64) as usize;
        let (by, members) = (self.users[0], self.users[1..=others].to_vec());
        let key = self.new_key();
        let by = Asker { user: by, key, at_ms: self.now_ms, node: (0, 1), was_allowed: false };
        self.model.write(by, &Command::Create { room, kind, members });
    }

    fn device_add(&mut self, id: DeviceId) {
        let device = self.devices.len();
        self.devices.push(Device::new(id));
        let delay_ms = self.random.below(1_000);
        self.after(delay_ms, Happening::Connect { device, life: 0 });
        self.after(delay_ms + 50, Happening::Act { device });
    }

    pub(super) fn new_key(&mut self) -> Key {
        let random = u128::from(self.random.draw()) << 64 | u128::from(self.random.draw());
        Key::new(self.now_ms, random)
    }

    /// One thing that a person does; what is drawn and makes no sense now is left out.
    pub(super) fn act(&mut self, device: usize) {
        let delay_ms = self.random.between(30..=500);
        self.after(delay_ms, Happening::Act { device });
        self.misfortune(device);
        let rooms: Vec<RoomId> =
            self.devices[device].sync.rooms().map(|room| room.info().id).collect();
        let Some(&room) = self.random.pick(&rooms) else {
            return;
        };
        match self.random.below(100) {
            0..50 => self.say_something(device, room),
            50..58 => self.delete_something(device, room),
            58..70 => self.read_something(device, room),
            70..74 => self.leave_or_remove(device, room),
            74..79 => self.add_someone(device, room),
            79..85 => self.join_something(device),
            85..87 => self.create_something(device),
            87..90 => self.say_again(device),
            90..93 => self.draft_something(device, room),
            93..98 => {
                let known_from =
                    |room| self.devices[device].sync.room(room)?.timeline().known_from();
                let before = known_from(room).filter(|_| self.random.chance(600));
                self.page_ask(device, room, before);
            }
            _ => self.try_failed_again(device),
        }
    }

    /// Faults that befall one device.
    fn misfortune(&mut self, device: usize) {
        if let Some(link) = self.devices[device].link
            && self.random.chance(self.faults.cut)
        {
            self.cut(link);
        }
        match self.random.below(1_000) {
            0..8 => self.reload(device),
            8..20 => {
                let effects = self.devices[device].sync.timeout();
                self.carry(device, effects);
            }
            _ => {}
        }
    }

    fn say_something(&mut self, device: usize, room: RoomId) {
        let text = format!("{:x}", self.random.draw());
        let key = self.new_key();
        self.note(device, Entry::Asked { room, key, hash: text_hash(&text) });
        let effects = self.devices[device].sync.send(room, key, text);
        self.carry(device, effects.expect("the outbox is far from full"));
    }

    fn delete_something(&mut self, device: usize, room: RoomId) {
        let state = self.devices[device].sync.room(room).expect("it was just listed");
        let messages = state.timeline().newest().filter(|event| event.kind == "message");
        let known: Vec<Seq> = messages.map(|event| event.seq).collect();
        let Some(&target) = self.random.pick(&known) else {
            return;
        };
        let key = self.new_key();
        let effects = self.devices[device].sync.delete(room, key, target);
        self.carry(device, effects.expect("the outbox is far from full"));
    }

    fn read_something(&mut self, device: usize, room: RoomId) {
        let head = self.devices[device]
            .sync
            .room(room)
            .map_or(Seq::ZERO, chinwag_client::sync::Room::cursor);
        let seq = Seq::new(head.get().saturating_sub(self.random.below(4)));
        self.note(device, Entry::Read { room, seq });
        let effects = self.devices[device].sync.read(room, seq);
        self.carry(device, effects);
        if self.random.chance(300) {
            let earlier = Seq::new(seq.get().saturating_sub(3));
            self.call(device, Command::Read { room, seq: earlier });
        }
    }

    fn leave_or_remove(&mut self, device: usize, room: RoomId) {
        let someone = *self.random.pick(&self.users).expect("there are users");
        let command = if self.random.chance(500) {
            Command::Leave { room }
        } else {
            Command::Remove { room, user: someone }
        };
        self.call(device, command);
    }

    fn add_someone(&mut self, device: usize, room: RoomId) {
        let user = *self.random.pick(&self.users).expect("there are users");
        self.call(device, Command::Add { room, user });
    }

    fn join_something(&mut self, device: usize) {
        let channels = self.model.rooms.iter().filter(|(_, room)| room.kind == RoomKind::Channel);
        let channels: Vec<RoomId> = channels.map(|(&room, _)| room).collect();
        if let Some(&room) = self.random.pick(&channels) {
            self.call(device, Command::Join { room });
        }
    }

    fn create_something(&mut self, device: usize) {
        if self.model.rooms.len() >= 6 + self.users.len() {
            return;
        }
        let kind = if self.random.chance(500) { RoomKind::Group } else { RoomKind::Channel };
        let me = self.devices[device].id.user;
        let mut members: Vec<UserId> =
            self.users.iter().copied().filter(|&user| user != me).collect();
        members.truncate(self.random.below(3) as usize);
        let room = RoomId::from_i64(0);
        self.call(device, Command::Create { room, kind, members });
    }

    /// The same key once more over REST: with the same body, or with another one.
    fn say_again(&mut self, device: usize) {
        let Some((room, key, text)) = self.random.pick(&self.devices[device].said).cloned() else {
            return;
        };
        let reuse = self.random.chance(500);
        if reuse {
            self.note(device, Entry::Reused { room, key });
        }
        let text = if reuse { format!("not {text}") } else { text };
        let body = serde_json::json!({ "text": text }).to_string().into();
        self.calls.push(Call::new(device, Command::Send { room, body }, key, reuse));
        let call = self.calls.len() - 1;
        self.call_start(call);
    }

    fn try_failed_again(&mut self, device: usize) {
        let failed = |pending: &&Pending| matches!(pending.progress, Progress::Failed { .. });
        let pending = self.devices[device].sync.pending();
        let Some(Pending { room, key, command, .. }) = pending.iter().find(failed).cloned() else {
            return;
        };
        if let chinwag_client::sync::Command::Message { text } = command {
            self.note(device, Entry::Asked { room, key, hash: text_hash(&text) });
        }
        let effects = self.devices[device].sync.resend(key);
        self.carry(device, effects);
    }

    /// One of a few texts, so that the same comes again and nothing comes too.
    fn draft_something(&mut self, device: usize, room: RoomId) {
        let text = "draft"[..self.random.below(4) as usize].to_owned();
        self.call(device, Command::Draft { room, text });
    }

    fn call(&mut self, device: usize, command: Command) {
        let key = self.new_key();
        self.calls.push(Call::new(device, command, key, false));
        let call = self.calls.len() - 1;
        self.call_start(call);
    }

    /// A node dies without a word.
    pub(super) fn crash(&mut self) {
        let again_ms = self.random.between(1_500..=6_000);
        self.after(again_ms, Happening::Crash);
        let up: Vec<usize> = (0..self.nodes.len()).filter(|&node| self.nodes[node].up).collect();
        let Some(&node) = self.random.pick(&up) else {
            return;
        };
        let boot = self.nodes[node].boot;
        self.counts.crashes += 1;
        for link in 0..self.links.len() {
            if (self.links[link].node, self.links[link].boot) == (node, boot) {
                self.cut(link);
            }
        }
        self.nodes[node] = Node::down(boot);
        self.commit_crashed(node);
        let down_ms = self.random.between(100..=2_000);
        self.after(down_ms, Happening::Start { node });
    }

    /// True once nothing is under way and every device shows what the log holds.
    pub(super) fn has_converged(&self) -> bool {
        let calls = self.calls.iter().all(|call| call.done);
        calls && self.devices.iter().all(|device| self.is_current(device))
    }

    fn is_current(&self, device: &Device) -> bool {
        let failed = |progress| matches!(progress, Progress::Failed { .. });
        let settled = device.sync.pending().iter().all(|pending| failed(pending.progress));
        let user = device.id.user;
        let mine = self.model.rooms.iter().filter(|(_, room)| room.members.contains_key(&user));
        let shown = |(&id, room): (&RoomId, &RoomState)| {
            let (Some(known), member) = (device.sync.room(id), &room.members[&user]) else {
                return false;
            };
            let (info, read) = (known.info(), (member.read_seq, member.read_n));
            // No device is told of the mark in one's own room.
            let is_read = id.is_self_of(user) || (info.read_seq, info.read_n) == read;
            let has_ticks = self.model.receipts_for(user, id) == info.receipts.into();
            known.cursor() == room.head && is_read && info.draft == member.draft && has_ticks
        };
        let count = mine.clone().count();
        device.sync.is_ready()
            && settled
            && device.sync.rooms().count() == count
            && mine.into_iter().all(shown)
    }
}
