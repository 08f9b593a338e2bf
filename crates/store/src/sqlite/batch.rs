//! One transaction's working state: what it knows of rooms and members, and what it will tell.
//!
//! A head or a read mark is written once, at the batch's end, however many messages go to the room.
//! Everything else is written as it happens, so that statements see it.

use std::sync::Arc;

use chinwag_core::access::{Actor, Denied, Rank, Registration, Role, RoomKind};
use chinwag_core::body;
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{Key, RoomId, Seq, SessionId, UserId};
use chinwag_core::profile::Profile;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ffi, params};

use super::known::{Known, Member, Room};
use super::row;
use super::statements as sql;
use crate::statistics::Counters;
use crate::write::{Refusal, Written};

/// Why a command did not go through.
#[derive(Debug)]
pub(super) enum Failure {
    Refused(Refusal),
    Database(rusqlite::Error),
}

impl Failure {
    /// True where the command may have been done before: it was refused now, or its key is taken.
    pub(super) fn may_be_repeated(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Database(error) => error
                .sqlite_error()
                .is_some_and(|error| error.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::Refused(denied.into())
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

pub(super) type Applying<T> = Result<T, Failure>;

/// What a command came to, and the event that answers it.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) written: Written,
    pub(super) answer: Option<Arc<Event>>,
}

impl Applied {
    pub(super) fn event(event: Arc<Event>) -> Self {
        Self {
            written: Written::Event { event: Arc::clone(&event), repeated: false },
            answer: Some(event),
        }
    }

    pub(super) fn repeated(event: Arc<Event>) -> Self {
        Self {
            written: Written::Event { event: Arc::clone(&event), repeated: true },
            answer: Some(event),
        }
    }

    pub(super) fn silent(written: Written) -> Self {
        Self { written, answer: None }
    }
}

/// Something to tell once the transaction is on disk.
#[derive(Debug)]
pub(super) enum Entry {
    Event(Arc<Event>),
    Revoked { user: UserId, sessions: Vec<SessionId> },
    Profile(Arc<Profile>),
    ReadShared { user: UserId, on: bool, rooms: Vec<RoomId> },
}

/// An event that is to be appended.
pub(super) struct Append {
    pub(super) room: RoomId,
    pub(super) kind: EventKind,
    pub(super) from: UserId,
    pub(super) at_ms: u64,
    pub(super) key: Option<Key>,
    pub(super) body: Arc<str>,
}

/// A joining: who, as what, brought by whom.
pub(super) struct Joining {
    pub(super) room: RoomId,
    pub(super) user: UserId,
    pub(super) role: Role,
    pub(super) by: UserId,
    pub(super) at_ms: u64,
}

/// The state of one transaction.
pub(super) struct Batch<'c> {
    pub(super) connection: &'c Connection,
    counters: &'c Counters,
    known: &'c mut Known,
    event_insert: CachedStatement<'c>,
    pub(super) told: Vec<Entry>,
    /// The rooms in which somebody's marks moved, or somebody came or went.
    marked: Vec<RoomId>,
    /// True where an account was made or erased.
    pub(super) accounts_changed: bool,
    /// What registration was set to, where it was.
    pub(super) registration_set: Option<Option<Registration>>,
}

impl<'c> Batch<'c> {
    /// Of the transaction that was just begun.
    pub(super) fn new(
        connection: &'c Connection,
        counters: &'c Counters,
        known: &'c mut Known,
    ) -> rusqlite::Result<Self> {
        let mut version = connection.prepare_cached("PRAGMA data_version")?;
        known.begin(version.query_row([], |row| row.get(0))?);
        Ok(Self {
            connection,
            counters,
            known,
            event_insert: connection.prepare_cached(sql::EVENT_INSERT)?,
            told: Vec::new(),
            marked: Vec::new(),
            accounts_changed: false,
            registration_set: None,
        })
    }

    /// Runs a statement that gives no rows; how many it changed.
    pub(super) fn run(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
    ) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }

    /// The first row of a statement.
    pub(super) fn first<T>(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
        of: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.connection.prepare_cached(sql)?.query_row(params, of).optional()
    }

    /// True where the statement gives a row.
    pub(super) fn any(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
    ) -> rusqlite::Result<bool> {
        self.connection.prepare_cached(sql)?.exists(params)
    }

    /// The rooms or users in the first column.
    pub(super) fn numbers(
        &self,
        sql: &'static str,
        params: impl rusqlite::Params,
    ) -> rusqlite::Result<Vec<i64>> {
        self.connection.prepare_cached(sql)?.query_map(params, |row| row.get(0))?.collect()
    }

    pub(super) fn room(&mut self, room: RoomId) -> Applying<Option<Room>> {
        if let Some(known) = self.known.room(room) {
            return Ok(Some(known));
        }
        let read = self.first(sql::ROOM_GET, [room.to_i64()], |row| Room::from_row(room, row))?;
        if let Some(read) = read {
            self.known.room_is(read);
        }
        Ok(read)
    }

    pub(super) fn member(&mut self, room: RoomId, user: UserId) -> Applying<Option<Member>> {
        if let Some(known) = self.known.member(room, user) {
            return Ok(known);
        }
        let read = self.first(sql::MEMBER_GET, [room.to_i64(), user.to_i64()], Member::from_row)?;
        self.known.member_is(room, user, read);
        Ok(read)
    }

    /// The role that `user` has in `room` now.
    pub(super) fn role(&mut self, room: RoomId, user: UserId) -> Applying<Option<Role>> {
        Ok(self.member(room, user)?.and_then(|member| member.role()))
    }

    /// The room, and who acts in it; not found where there is none.
    pub(super) fn scene(&mut self, room: RoomId, user: UserId) -> Applying<(Room, Actor)> {
        let Some(found) = self.room(room)? else {
            return Err(Refusal::NotFound.into());
        };
        Ok((found, Actor { user, role: self.role(room, user)? }))
    }

    /// The rank of an account that lives.
    pub(super) fn rank(&self, user: UserId) -> Applying<Option<Rank>> {
        Ok(self.first(sql::USER_RANK, [user.to_i64()], |row| row::named(row, 0, Rank::from_name))?)
    }

    /// The event that `user` made in `room` with `key` before.
    pub(super) fn known(
        &self,
        room: RoomId,
        user: UserId,
        key: Key,
    ) -> Applying<Option<Arc<Event>>> {
        let params = params![key.to_bytes(), room.to_i64(), user.to_i64()];
        Ok(self.first(sql::EVENT_BY_KEY, params, |row| self.event_of(row))?.flatten())
    }

    /// One event of a room's log.
    pub(super) fn event(
        &self,
        room: RoomId,
        timeline: bool,
        seq: Seq,
    ) -> Applying<Option<Arc<Event>>> {
        let params = params![room.to_i64(), timeline, seq.to_i64()];
        Ok(self.first(sql::EVENT_GET, params, |row| self.event_of(row))?.flatten())
    }

    fn event_of(&self, row: &Row<'_>) -> rusqlite::Result<Option<Arc<Event>>> {
        Ok(row::event(row, 0, self.counters)?.map(|event| Arc::new(event.to_event())))
    }

    /// Makes a room with an empty log.
    pub(super) fn room_insert(
        &mut self,
        room: RoomId,
        kind: RoomKind,
        name: Option<&str>,
        at_ms: u64,
    ) -> Applying<()> {
        let made = Room::new(room, kind, at_ms);
        self.run(
            sql::ROOM_INSERT,
            params![
                room.to_i64(),
                kind.name(),
                name,
                made.history.name(),
                made.posting.name(),
                at_ms.cast_signed()
            ],
        )?;
        self.known.room_is(made);
        Ok(())
    }

    /// Changes a room's name (where one is given) and settings.
    pub(super) fn room_settings_set(&mut self, room: &Room, name: Option<&str>) -> Applying<()> {
        let (history, posting) = (room.history, room.posting);
        let params = params![room.id.to_i64(), name, history.name(), posting.name()];
        self.run(sql::ROOM_SETTINGS_SET, params)?;
        self.known
            .room_change(room.id, |known| (known.history, known.posting) = (history, posting));
        Ok(())
    }

    /// Appends an event: the next `seq`, a time that does not go back, an ordinal for a message.
    /// Where the database refuses the row (its key is taken) nothing has changed.
    pub(super) fn append(&mut self, append: Append) -> Applying<Arc<Event>> {
        let Some(mut room) = self.known.room(append.room) else {
            return Err(Refusal::NotFound.into());
        };
        room.head = room.head.next();
        room.head_at_ms = room.head_at_ms.max(append.at_ms);
        let message = append.kind == EventKind::Message;
        room.n += u64::from(message);
        if append.kind.in_timeline() {
            (room.last, room.active_at_ms) = (room.head, room.head_at_ms);
        }
        let event = Arc::new(Event {
            room: append.room,
            seq: room.head,
            n: message.then_some(room.n),
            kind: append.kind,
            from: append.from,
            at_ms: room.head_at_ms,
            key: append.key,
            rev: None,
            body: Some(append.body),
        });
        event_insert(&mut self.event_insert, &event)?;
        self.known.room_change(room.id, |known| known.advance(&room));
        self.told.push(Entry::Event(Arc::clone(&event)));
        Ok(event)
    }

    /// Brings an event's row to its current form: this body, changed last by the event `rev`.
    pub(super) fn event_rewrite(
        &self,
        event: &Event,
        rev: Seq,
        body: Option<Arc<str>>,
    ) -> Applying<()> {
        let current = Event { rev: Some(rev), body, ..event.clone() };
        let row = current.as_row();
        self.run(
            sql::EVENT_REWRITE,
            params![
                current.room.to_i64(),
                current.kind.in_timeline(),
                current.seq.to_i64(),
                row.body,
                rev.to_i64(),
                row::checksum(&row)
            ],
        )?;
        Ok(())
    }

    /// Makes someone a member: tells the user's `self` room, then the room.
    pub(super) fn member_join(
        &mut self,
        joining: &Joining,
        key: Option<Key>,
    ) -> Applying<(Arc<Event>, Arc<Event>)> {
        let Joining { room, user, role, by, at_ms } = *joining;
        let added = self.room_added(joining, None)?;
        let kind = EventKind::MemberJoined { user };
        let body = body::member(user, role);
        let joined = self.append(Append { room, kind, from: by, at_ms, key, body })?;
        self.member_insert(room, user, role, &joined, joined.seq)?;
        Ok((added, joined))
    }

    /// Founds a room that was just inserted: tells its founder, then makes the founder its first
    /// member. The `room_added` is given back.
    pub(super) fn found(
        &mut self,
        founder: &Joining,
        key: Key,
        created: Arc<str>,
    ) -> Applying<Arc<Event>> {
        let Joining { room, user, role, by, at_ms } = *founder;
        let added = self.room_added(founder, Some(key))?;
        let kind = EventKind::RoomCreated;
        let created =
            self.append(Append { room, kind, from: by, at_ms, key: None, body: created })?;
        let kind = EventKind::MemberJoined { user };
        let body = body::member(user, role);
        let joined = self.append(Append { room, kind, from: by, at_ms, key: None, body })?;
        self.member_insert(room, user, role, &joined, created.seq)?;
        Ok(added)
    }

    fn room_added(&mut self, joining: &Joining, key: Option<Key>) -> Applying<Arc<Event>> {
        let Joining { room, user, by, at_ms, .. } = *joining;
        self.room(RoomId::of_self(user))?;
        let kind = EventKind::RoomAdded { room };
        let (self_room, body) = (RoomId::of_self(user), body::room(room));
        self.append(Append { room: self_room, kind, from: by, at_ms, key, body })
    }

    /// `from` is the first event of the membership: the joining itself, but for a founder.
    fn member_insert(
        &mut self,
        room: RoomId,
        user: UserId,
        role: Role,
        joined: &Event,
        from: Seq,
    ) -> Applying<()> {
        let before = self.member(room, user)?;
        let n = self.known.room_change(room, |known| {
            known.members += 1;
            known.n
        });
        let member = Member {
            first: before.map_or(joined.seq, |member| member.first),
            delivered: joined.seq,
            delivered_at_ms: joined.at_ms,
            read: joined.seq,
            read_n: n.unwrap_or_default(),
            read_at_ms: joined.at_ms,
            ..Member::new(role, from, joined.at_ms)
        };
        self.member_set(room, user, member)
    }

    /// Puts the user of a new `self` room into it, untold.
    pub(super) fn member_of_self(&mut self, user: UserId, at_ms: u64) -> Applying<()> {
        let room = RoomId::of_self(user);
        self.known.room_change(room, |known| known.members = 1);
        self.member_set(room, user, Member::new(Role::Owner, Seq::ZERO, at_ms))
    }

    fn member_set(&mut self, room: RoomId, user: UserId, member: Member) -> Applying<()> {
        self.run(
            sql::MEMBER_SET,
            params![
                room.to_i64(),
                user.to_i64(),
                member.role.name(),
                member.first.to_i64(),
                member.join.to_i64(),
                member.joined_at_ms.cast_signed(),
                member.read.to_i64(),
                member.read_n.cast_signed(),
                member.left.map(Seq::to_i64),
                member.delivered.to_i64(),
                member.delivered_at_ms.cast_signed(),
                member.read_at_ms.cast_signed()
            ],
        )?;
        self.marked.push(room);
        self.known.member_is(room, user, Some(member));
        Ok(())
    }

    /// Ends a membership in the room's log.
    pub(super) fn member_leave(
        &mut self,
        room: RoomId,
        user: UserId,
        by: UserId,
        at_ms: u64,
        key: Option<Key>,
    ) -> Applying<Arc<Event>> {
        let kind = EventKind::MemberLeft { user };
        let body = body::member_left(user);
        let left = self.append(Append { room, kind, from: by, at_ms, key, body })?;
        self.member_end(room, user, left.seq)?;
        Ok(left)
    }

    /// Ends a membership, untold.
    pub(super) fn member_end(&mut self, room: RoomId, user: UserId, seq: Seq) -> Applying<()> {
        if let Some(member) = self.member(room, user)? {
            self.member_set(room, user, Member { left: Some(seq), ..member })?;
        }
        self.known.room_change(room, |known| known.members = known.members.saturating_sub(1));
        Ok(())
    }

    /// Gives a member another role.
    pub(super) fn member_role(
        &mut self,
        room: RoomId,
        user: UserId,
        role: Role,
        by: UserId,
        at_ms: u64,
        key: Option<Key>,
    ) -> Applying<Arc<Event>> {
        let kind = EventKind::MemberRole { user };
        let body = body::member(user, role);
        let event = self.append(Append { room, kind, from: by, at_ms, key, body })?;
        if let Some(member) = self.member(room, user)? {
            self.member_set(room, user, Member { role, ..member })?;
        }
        Ok(event)
    }

    /// Advances a read mark.
    pub(super) fn read_set(
        &mut self,
        (room, user): (RoomId, UserId),
        read: Seq,
        read_n: u64,
        at_ms: u64,
    ) {
        self.known.member_change(room, user, |member| member.read(read, read_n, at_ms));
    }

    /// Advances a mark of delivery. Nothing is told of it: it is a column and no event.
    pub(super) fn delivered_set(
        &mut self,
        (room, user): (RoomId, UserId),
        delivered: Seq,
        at_ms: u64,
    ) {
        self.known.member_change(room, user, |member| member.deliver(delivered, at_ms));
    }

    /// Writes the heads and marks that moved; the rooms in which the ticks may be others now.
    pub(super) fn flush(&mut self) -> rusqlite::Result<Vec<RoomId>> {
        let mut head_set = self.connection.prepare_cached(sql::ROOM_HEAD_SET)?;
        for room in self.known.take_rooms_changed() {
            head_set.execute(params![
                room.id.to_i64(),
                room.head.to_i64(),
                room.head_at_ms.cast_signed(),
                room.n.cast_signed(),
                room.last.to_i64(),
                room.active_at_ms.cast_signed(),
                room.members.cast_signed()
            ])?;
        }
        let mut marks_set = self.connection.prepare_cached(sql::MEMBER_MARKS_SET)?;
        let mut marked = std::mem::take(&mut self.marked);
        for (room, user, member) in self.known.take_members_changed() {
            marks_set.execute(params![
                room.to_i64(),
                user.to_i64(),
                member.read.to_i64(),
                member.read_n.cast_signed(),
                member.read_at_ms.cast_signed(),
                member.delivered.to_i64(),
                member.delivered_at_ms.cast_signed()
            ])?;
            if self.known.room(room).is_none_or(|room| room.has_ticks()) {
                marked.push(room);
            }
        }
        marked.sort_unstable();
        marked.dedup();
        Ok(marked)
    }
}

fn event_insert(insert: &mut CachedStatement<'_>, event: &Event) -> rusqlite::Result<()> {
    let (kind, subject) = event.kind.to_row();
    let row = event.as_row();
    insert.execute(params![
        event.room.to_i64(),
        event.kind.in_timeline(),
        event.seq.to_i64(),
        event.n.map(u64::cast_signed),
        kind,
        subject,
        event.from.to_i64(),
        event.at_ms.cast_signed(),
        event.key.map(Key::to_bytes),
        event.rev.map(Seq::to_i64),
        row.body,
        row::checksum(&row)
    ])?;
    Ok(())
}
