//! What was asked, answered and seen, written down as it happens and never changed: the evidence
//! that [`crate::check`] judges.
//!
//! Every suite that moves messages keeps one, whatever it drives: the simulator, a server in a box,
//! a cluster. It is kept outside the thing under test.

use chinwag_core::id::{Key, RoomId, Seq, UserId};
use chinwag_core::receipt::Receipts;
use chinwag_proto::code::ErrorCode;
use chinwag_proto::frame::Event;

/// One client: a browser tab from its loading to its end. A reload is another `life`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId {
    pub user: UserId,
    pub number: u16,
    pub life: u16,
}

/// What happened to a device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Entry {
    /// SEND: the person posted a message.
    Asked { room: RoomId, key: Key, hash: u64 },
    /// SEND: a key that was used before, on purpose with another body. It must be refused.
    Reused { room: RoomId, key: Key },
    /// OK: the server answered that it is done. `seq` is of the event that it made, if any.
    Done { room: RoomId, key: Key, seq: Option<Seq> },
    /// ERR: the server refused for good.
    Refused { room: RoomId, key: Key, code: ErrorCode },
    /// A key that was reused with another body was taken all the same.
    ReuseTaken { room: RoomId, key: Key },
    /// JOIN: this user was made a member by a command of the device, and it was answered.
    Joined { room: RoomId, user: UserId },
    /// LEAVE: this user is no member any more by a command of the device, and it was answered.
    Left { room: RoomId, user: UserId },
    /// READ: the person has seen all up to `seq`.
    Read { room: RoomId, seq: Seq },
    /// OK of a READ.
    ReadDone { room: RoomId, seq: Seq },
    /// The device said `hello` on a new connection.
    Connected,
    /// The device asked for the log after this event.
    Synced { room: RoomId, after: Seq },
    /// RECV raw: an event came over the wire. `hash` is of its text, if it has one.
    Received { room: RoomId, seq: Seq, key: Option<Key>, hash: Option<u64> },
    /// The server told about a room.
    Reported { room: RoomId, head_seq: Seq, n: u64, read_n: u64 },
    /// The client's state of the room begins after `cursor`.
    Begun { room: RoomId, cursor: Seq },
    /// RECV applied: the client took the event into its state.
    Applied { room: RoomId, seq: Seq, key: Option<Key> },
    /// What the client shows of a room, where it changed.
    Shown { room: RoomId, head_seq: Seq, n: u64, read_seq: Seq, read_n: u64 },
    /// How far the client shows that all the others have come, where it changed.
    Ticks { room: RoomId, receipts: Receipts },
    /// The client forgot the room.
    Gone { room: RoomId },
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// On any clock that does not go back; milliseconds.
    pub at_ms: u64,
    pub device: DeviceId,
    pub entry: Entry,
}

/// The records, in the order in which they were made.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    records: Vec<Record>,
}

impl Ledger {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn write(&mut self, at_ms: u64, device: DeviceId, entry: Entry) {
        self.records.push(Record { at_ms, device, entry });
    }

    /// Writes down an event as it came over the wire.
    pub fn write_received(&mut self, at_ms: u64, device: DeviceId, event: &Event) {
        let text = event.body.as_ref().and_then(|body| body.get("text")?.as_str());
        let (room, seq, key) = (event.room, event.seq, event.key);
        self.write(at_ms, device, Entry::Received { room, seq, key, hash: text.map(text_hash) });
    }

    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

/// What the ledger keeps of a text: FNV-1a, 64 bits.
#[must_use]
pub fn text_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
