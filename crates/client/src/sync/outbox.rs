//! What this client wants to say and has not yet seen in the log.

use std::collections::BTreeSet;

use chinwag_proto::code::ErrorCode;
use chinwag_proto::frame::{ClientFrame, MessageDelete, MessageSend};
use chinwag_proto::id::{Key, RoomId, Seq};
use serde::{Deserialize, Serialize};

/// Messages and deletions that wait at once: far more than a person writes on a train.
pub const PENDING_MAX: usize = 1_000;

/// Something to be said in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Message { text: String },
    Deletion { target: Seq },
}

/// A command that is to be said, under the key that it has at every try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub room: RoomId,
    pub key: Key,
    pub command: Command,
}

/// How far a pending command has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It goes out when those before it in its room are answered and a connection is there.
    Waiting,
    /// It was said under this `ref` and not yet answered.
    Sending { reference: u64 },
    /// It is on disk; its event is on the way.
    Sent { seq: Seq },
    /// It was refused for good.
    Failed { code: ErrorCode },
}

/// A command that is not yet in the log as this client knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub room: RoomId,
    /// The same at every try, so that it is done once.
    pub key: Key,
    pub command: Command,
    pub progress: Progress,
}

impl Pending {
    fn frame(&self, reference: u64) -> ClientFrame {
        let (room, key) = (self.room, self.key);
        match &self.command {
            Command::Message { text } => {
                ClientFrame::MessageSend(MessageSend { reference, room, key, text: text.clone() })
            }
            &Command::Deletion { target } => {
                ClientFrame::MessageDelete(MessageDelete { reference, room, key, target })
            }
        }
    }
}

/// There are [`PENDING_MAX`] already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much is unsent already")]
pub struct Full;

/// The pending commands of all rooms, in the order in which they go out.
#[derive(Debug, Clone, Default)]
pub(super) struct Outbox {
    list: Vec<Pending>,
    /// Rooms in which the server asked to wait.
    paused: BTreeSet<RoomId>,
}

impl Outbox {
    pub(super) fn list(&self) -> &[Pending] {
        &self.list
    }

    pub(super) fn push(&mut self, room: RoomId, key: Key, command: Command) -> Result<(), Full> {
        if self.list.len() >= PENDING_MAX {
            return Err(Full);
        }
        self.list.push(Pending { room, key, command, progress: Progress::Waiting });
        Ok(())
    }

    /// The next that may go out, now that it is given this `ref`.
    pub(super) fn next(&mut self, reference: u64) -> Option<ClientFrame> {
        let mut blocked = self.paused.clone();
        let next = self.list.iter_mut().find(|pending| match pending.progress {
            Progress::Waiting => !blocked.contains(&pending.room),
            Progress::Sending { .. } => {
                blocked.insert(pending.room);
                false
            }
            Progress::Sent { .. } | Progress::Failed { .. } => false,
        })?;
        next.progress = Progress::Sending { reference };
        Some(next.frame(reference))
    }

    /// The command under this `ref` was answered: with the `seq` of its event, or with none where
    /// there was nothing to change. False where the `ref` is not of a command.
    pub(super) fn replied(&mut self, reference: u64, seq: Option<Seq>) -> Option<RoomId> {
        let place = self.sending(reference)?;
        let room = self.list[place].room;
        match seq {
            Some(seq) => self.list[place].progress = Progress::Sent { seq },
            None => drop(self.list.remove(place)),
        }
        Some(room)
    }

    /// The command under this `ref` was refused for now: its room waits for [`Outbox::retry`].
    pub(super) fn put_off(&mut self, reference: u64) -> bool {
        let Some(place) = self.sending(reference) else {
            return false;
        };
        self.list[place].progress = Progress::Waiting;
        self.paused.insert(self.list[place].room);
        true
    }

    /// The command under this `ref` was refused for good; its key.
    pub(super) fn failed(&mut self, reference: u64, code: ErrorCode) -> Option<Key> {
        let place = self.sending(reference)?;
        self.list[place].progress = Progress::Failed { code };
        Some(self.list[place].key)
    }

    /// An event of mine with this key is in the log.
    pub(super) fn seen(&mut self, room: RoomId, key: Key) {
        self.list.retain(|pending| (pending.room, pending.key) != (room, key));
    }

    /// Forgets what was answered and lies at or before `cursor`.
    pub(super) fn settle(&mut self, room: RoomId, cursor: Seq) {
        let done = |progress| matches!(progress, Progress::Sent { seq } if seq <= cursor);
        self.list.retain(|pending| pending.room != room || !done(pending.progress));
    }

    /// What had no answer must be said again.
    pub(super) fn unsend(&mut self) {
        for pending in &mut self.list {
            if matches!(pending.progress, Progress::Sending { .. }) {
                pending.progress = Progress::Waiting;
            }
        }
    }

    pub(super) fn retry(&mut self) {
        self.paused.clear();
    }

    /// Tries a failed one again, behind all that waits.
    pub(super) fn resend(&mut self, key: Key) {
        if let Some(place) = self.failed_place(key) {
            let pending = self.list.remove(place);
            self.list.push(Pending { progress: Progress::Waiting, ..pending });
        }
    }

    /// Gives a failed one up.
    pub(super) fn discard(&mut self, key: Key) {
        if let Some(place) = self.failed_place(key) {
            self.list.remove(place);
        }
    }

    fn failed_place(&self, key: Key) -> Option<usize> {
        let failed = |progress| matches!(progress, Progress::Failed { .. });
        self.list.iter().position(|pending| pending.key == key && failed(pending.progress))
    }

    fn sending(&self, reference: u64) -> Option<usize> {
        self.list.iter().position(|pending| pending.progress == Progress::Sending { reference })
    }
}
