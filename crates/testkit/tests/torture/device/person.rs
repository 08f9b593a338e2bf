//! What the person at a tab does.

use std::rc::Rc;
use std::time::Duration;

use chinwag_client::sync::{Command, Progress, Room, Sync};
use chinwag_core::id::{Key, RoomId, Seq};
use chinwag_testkit::ledger::{DeviceId, Entry, text_hash};
use chinwag_testkit::random::Random;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::{Device, State};

/// A person with so much unsent waits: on a slow machine the load is what the machine manages.
const UNSENT_MAX: usize = 48;

impl Device {
    /// Posts a message, unless too much is unsent already.
    pub(crate) fn say(&self, room: RoomId, text: String) {
        if self.state.borrow().sync.pending().len() >= UNSENT_MAX {
            return;
        }
        self.say_as(room, text);
    }

    /// Posts a message and says under which key.
    pub(crate) fn say_as(&self, room: RoomId, text: String) -> Key {
        let key = self.journal.key();
        self.note(Entry::Asked { room, key, hash: text_hash(&text) });
        self.act(|sync| sync.send(room, key, text).expect("the outbox is far from full"));
        key
    }

    fn delete_something(&self, room: RoomId) {
        let own = |state: &State| -> Vec<Seq> {
            let Some(room) = state.sync.room(room) else {
                return Vec::new();
            };
            let me = self.id.get().user;
            let own = room.timeline().newest().rev().take(50);
            let own = own.filter(|event| event.kind == "message" && event.from == me);
            own.map(|event| event.seq).collect()
        };
        let own = own(&self.state.borrow());
        if let Some(target) = self.journal.draw(|random| random.pick(&own).copied()) {
            let key = self.journal.key();
            self.act(|sync| sync.delete(room, key, target).expect("the outbox is far from full"));
        }
    }

    pub(crate) fn read(&self, room: RoomId) {
        let seq = self.state.borrow().sync.room(room).map(Room::cursor);
        if let Some(seq) = seq {
            self.note(Entry::Read { room, seq });
            self.act(|sync| sync.read(room, seq));
        }
    }

    /// Gives up what was refused.
    pub(crate) fn discard_failed(&self) {
        let failed = self.pending(|progress| matches!(progress, Progress::Failed { .. }));
        let state = &mut *self.state.borrow_mut();
        for (_, key) in failed {
            state.sync.discard(key);
        }
    }

    /// The page is loaded anew: what was unsent is kept, all else is not.
    pub(crate) fn reload(&self) {
        let old = std::mem::take(&mut self.state.borrow_mut().sync);
        let id = self.id.get();
        self.id.set(DeviceId { life: id.life + 1, ..id });
        let state = &mut *self.state.borrow_mut();
        state.shown.clear();
        for pending in old.pending() {
            let (room, key) = (pending.room, pending.key);
            let unsent = matches!(pending.progress, Progress::Waiting | Progress::Sending { .. });
            let kept = match &pending.command {
                _ if !unsent => continue,
                Command::Message { text } => state.sync.send(room, key, text.clone()),
                Command::Deletion { target } => state.sync.delete(room, key, *target),
            };
            assert_eq!(kept, Ok(Vec::new()), "nothing is said before it is connected");
        }
        self.cut();
    }

    /// Ends the connection without a word.
    pub(crate) fn cut(&self) {
        self.cut.set(true);
        self.wake.notify_one();
    }

    /// Leaves unread what comes, or reads on.
    pub(crate) fn reading(&self, reading: bool) {
        self.reading.set(reading);
        self.wake.notify_one();
    }

    /// Types until it is told to stop, one thing at each tick.
    pub(crate) async fn type_on(self: Rc<Self>, pace: Duration, mut stop: watch::Receiver<bool>) {
        let mut tick = tokio::time::interval(pace);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = tick.tick() => self.type_something(),
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    fn type_something(&self) {
        let rooms: Vec<(RoomId, bool)> = {
            let state = self.state.borrow();
            state.sync.rooms().map(|room| (room.info().id, room.info().kind == "self")).collect()
        };
        let Some((room, is_own)) = self.journal.draw(|random| random.pick(&rooms).copied()) else {
            return;
        };
        match self.journal.draw(|random| random.below(1_000)) {
            0..25 => self.delete_something(room),
            // Of the mark in one's own room no other tab is told.
            25..60 | 73..900 if is_own => {}
            25..60 => self.read(room),
            60..70 => self.discard_failed(),
            70..73 => self.act(Sync::timeout),
            _ => self.say(room, self.journal.draw(text)),
        }
    }
}

/// Something to say: mostly short, now and then long, never twice the same.
pub(crate) fn text(random: &mut Random) -> String {
    let length = if random.chance(20) { 2_000 } else { 80 };
    let length = random.below(length) as usize;
    format!("{:x} {}", random.draw(), "grüß dich \"…\" ".repeat(length / 16))
}
