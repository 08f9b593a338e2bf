//! What the writer knows of rooms and members: as the database has them, and within a transaction as
//! it will have them once that commits.
//!
//! It outlives the transaction, so that a room where people talk is read once and not once a batch.
//! Nobody else writes (**one writer**); where a foreign hand wrote all the same, or a transaction was
//! rolled back, all of it is forgotten ([`Known::forget`]).

use chinwag_core::access::{History, Posting, Role, RoomFacts, RoomKind};
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::receipt;
use foldhash::HashMap;
use rusqlite::{Result, Row};

use super::row;

/// Rooms known from one transaction to the next: about half a megabyte.
const ROOMS_MAX: usize = 4_096;
/// Members known from one transaction to the next: about two megabytes.
const MEMBERS_MAX: usize = 16_384;

/// A room as the transaction sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) kind: RoomKind,
    pub(super) history: History,
    pub(super) posting: Posting,
    pub(super) head: Seq,
    pub(super) n: u64,
    pub(super) members: u64,
    pub(super) head_at_ms: u64,
    pub(super) last: Seq,
    pub(super) active_at_ms: u64,
    pub(super) is_changed: bool,
}

impl Room {
    /// One with an empty log, which the transaction has inserted.
    pub(super) fn new(id: RoomId, kind: RoomKind, at_ms: u64) -> Self {
        Self {
            id,
            kind,
            history: History::default_of(kind),
            posting: Posting::Members,
            head: Seq::ZERO,
            n: 0,
            members: 0,
            head_at_ms: at_ms,
            last: Seq::ZERO,
            active_at_ms: at_ms,
            is_changed: false,
        }
    }

    pub(super) fn facts(&self) -> RoomFacts {
        RoomFacts { room: self.id, kind: self.kind, posting: self.posting }
    }

    /// Takes where the log stands from a copy that was one event ahead.
    pub(super) fn advance(&mut self, to: &Self) {
        (self.head, self.head_at_ms, self.n) = (to.head, to.head_at_ms, to.n);
        (self.last, self.active_at_ms) = (to.last, to.active_at_ms);
    }

    pub(super) fn has_ticks(&self) -> bool {
        receipt::are_kept(self.kind, self.members)
    }

    /// The row of `ROOM_GET`.
    pub(super) fn from_row(id: RoomId, row: &Row<'_>) -> Result<Self> {
        let (kind, history, posting) = row::settings(row, [0, 1, 2])?;
        Ok(Self {
            id,
            kind,
            history,
            posting,
            head: Seq::from_i64(row.get(3)?),
            head_at_ms: row::unsigned(row, 4)?,
            n: row::unsigned(row, 5)?,
            last: Seq::from_i64(row.get(6)?),
            active_at_ms: row::unsigned(row, 7)?,
            members: row::unsigned(row, 8)?,
            is_changed: false,
        })
    }
}

/// Someone who is or was in a room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) role: Role,
    pub(super) first: Seq,
    pub(super) join: Seq,
    pub(super) joined_at_ms: u64,
    pub(super) delivered: Seq,
    pub(super) delivered_at_ms: u64,
    pub(super) read: Seq,
    pub(super) read_n: u64,
    pub(super) read_at_ms: u64,
    pub(super) left: Option<Seq>,
    pub(super) is_changed: bool,
}

impl Member {
    /// One whose membership begins with `join` and who has read nothing.
    pub(super) fn new(role: Role, join: Seq, joined_at_ms: u64) -> Self {
        Self {
            role,
            first: join,
            join,
            joined_at_ms,
            delivered: Seq::ZERO,
            delivered_at_ms: 0,
            read: Seq::ZERO,
            read_n: 0,
            read_at_ms: 0,
            left: None,
            is_changed: false,
        }
    }

    /// Moves the mark of delivery, never back.
    pub(super) fn deliver(&mut self, seq: Seq, at_ms: u64) {
        if seq > self.delivered {
            (self.delivered, self.delivered_at_ms) = (seq, at_ms);
        }
    }

    /// Moves the read mark, and what was read was delivered.
    pub(super) fn read(&mut self, seq: Seq, n: u64, at_ms: u64) {
        self.deliver(seq, at_ms);
        (self.read, self.read_n, self.read_at_ms) = (seq, n, at_ms);
    }

    pub(super) fn role(&self) -> Option<Role> {
        self.left.is_none().then_some(self.role)
    }

    /// The first event that the member may see.
    pub(super) fn floor(&self, room: &Room) -> Seq {
        match room.history {
            History::All => Seq::ZERO,
            History::SinceJoin => self.join,
        }
    }

    /// The row of `MEMBER_GET`.
    pub(super) fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            role: row::named(row, 0, Role::from_name)?,
            first: Seq::from_i64(row.get(1)?),
            join: Seq::from_i64(row.get(2)?),
            joined_at_ms: row::unsigned(row, 3)?,
            read: Seq::from_i64(row.get(4)?),
            read_n: row::unsigned(row, 5)?,
            left: row.get::<_, Option<i64>>(6)?.map(Seq::from_i64),
            delivered: Seq::from_i64(row.get(7)?),
            delivered_at_ms: row::unsigned(row, 8)?,
            read_at_ms: row::unsigned(row, 9)?,
            is_changed: false,
        })
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Known {
    rooms: HashMap<RoomId, Room>,
    /// None where it is known that there never was a membership.
    members: HashMap<(RoomId, UserId), Option<Member>>,
    /// Those whose head or marks the transaction has moved and not yet written, each once.
    rooms_changed: Vec<RoomId>,
    members_changed: Vec<(RoomId, UserId)>,
    /// `PRAGMA data_version` when it was last asked: another value is a foreign hand's.
    version: i64,
}

impl Known {
    /// Takes the database's version, and forgets all where it is not the one before.
    pub(super) fn begin(&mut self, version: i64) {
        let is_full = self.rooms.len() > ROOMS_MAX || self.members.len() > MEMBERS_MAX;
        if version != self.version || is_full {
            self.forget();
        }
        self.version = version;
    }

    pub(super) fn forget(&mut self) {
        self.rooms.clear();
        self.members.clear();
        self.rooms_changed.clear();
        self.members_changed.clear();
    }

    pub(super) fn room(&self, room: RoomId) -> Option<Room> {
        self.rooms.get(&room).copied()
    }

    /// Takes what the database has.
    pub(super) fn room_is(&mut self, room: Room) {
        self.rooms.insert(room.id, room);
    }

    /// Changes a room that is known, to be written with the batch.
    pub(super) fn room_change<T>(
        &mut self,
        room: RoomId,
        change: impl FnOnce(&mut Room) -> T,
    ) -> Option<T> {
        let known = self.rooms.get_mut(&room)?;
        if !known.is_changed {
            known.is_changed = true;
            self.rooms_changed.push(room);
        }
        Some(change(known))
    }

    /// The member, none within where it is known that there is none.
    pub(super) fn member(&self, room: RoomId, user: UserId) -> Option<Option<Member>> {
        self.members.get(&(room, user)).copied()
    }

    /// Takes what the database has.
    pub(super) fn member_is(&mut self, room: RoomId, user: UserId, member: Option<Member>) {
        // What was changed before is within it, and stays to be written.
        let is_changed =
            self.members.get(&(room, user)).is_some_and(|it| it.is_some_and(|it| it.is_changed));
        self.members.insert((room, user), member.map(|member| Member { is_changed, ..member }));
    }

    /// Changes a member who is known, to be written with the batch.
    pub(super) fn member_change(
        &mut self,
        room: RoomId,
        user: UserId,
        change: impl FnOnce(&mut Member),
    ) {
        let Some(Some(member)) = self.members.get_mut(&(room, user)) else {
            return;
        };
        change(member);
        if !member.is_changed {
            member.is_changed = true;
            self.members_changed.push((room, user));
        }
    }

    /// The rooms that changed since the last time, by number, so that neighbours are written together.
    pub(super) fn take_rooms_changed(&mut self) -> Vec<Room> {
        self.rooms_changed.sort_unstable();
        let Self { rooms, rooms_changed, .. } = self;
        let taken = rooms_changed.drain(..).filter_map(|id| {
            let room = rooms.get_mut(&id)?;
            room.is_changed = false;
            Some(*room)
        });
        taken.collect()
    }

    /// The members whose marks moved since the last time.
    pub(super) fn take_members_changed(&mut self) -> Vec<(RoomId, UserId, Member)> {
        self.members_changed.sort_unstable();
        let Self { members, members_changed, .. } = self;
        let taken = members_changed.drain(..).filter_map(|(room, user)| {
            let member = members.get_mut(&(room, user))?.as_mut()?;
            member.is_changed = false;
            Some((room, user, *member))
        });
        taken.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> (Known, RoomId, UserId) {
        let (room, user) = (RoomId::from_i64(7), UserId::from_i64(9));
        let mut known = Known::default();
        known.begin(1);
        known.room_is(Room::new(room, RoomKind::Group, 1));
        known.member_is(room, user, Some(Member::new(Role::Member, Seq::new(1), 1)));
        (known, room, user)
    }

    #[test]
    fn what_changed_is_written_once_and_stays_known() {
        let (mut known, room, user) = known();
        for n in 1..=3 {
            known.room_change(room, |it| it.n = n);
            known.member_change(room, user, |it| it.read(Seq::new(n), n, n));
        }
        let (rooms, members) = (known.take_rooms_changed(), known.take_members_changed());
        assert_eq!((rooms.len(), rooms[0].n), (1, 3));
        assert_eq!((members.len(), members[0].2.read_n), (1, 3));
        assert_eq!(members[0].2.delivered, Seq::new(3), "what was read was delivered");
        assert!(known.take_rooms_changed().is_empty() && known.take_members_changed().is_empty());
        known.begin(1);
        assert_eq!(known.room(room).map(|it| it.n), Some(3));
    }

    #[test]
    fn a_foreign_hand_makes_it_forget() {
        let (mut known, room, user) = known();
        known.begin(2);
        assert!(known.room(room).is_none() && known.member(room, user).is_none());
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let (mut known, room, user) = known();
        for user in 0..=MEMBERS_MAX as i64 {
            known.member_is(room, UserId::from_i64(user), None);
        }
        known.begin(1);
        assert!(known.member(room, user).is_none());
    }
}
