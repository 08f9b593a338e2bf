//! Each room's log, walked once, against what is kept beside it.

mod members;
mod walk;

use chinwag_core::access::RoomKind;
use chinwag_core::id::{RoomId, Seq, UserId};
use foldhash::HashMap;
use rusqlite::{Connection, Result, Row};

use self::walk::Walk;
use super::tables::{Users, each};
use super::{Findings, Place};
use crate::pace::Pace;
use crate::sqlite::row;
use crate::verify::What;

/// The whole log of a room in order: a merge of the two ranges in which it lies.
const LOG: &str = "SELECT room_id, seq, n, kind, subject, user_id, at_ms, key, rev, body, checksum, timeline FROM events
     WHERE room_id = ?1 AND timeline = 0 UNION ALL
     SELECT room_id, seq, n, kind, subject, user_id, at_ms, key, rev, body, checksum, timeline FROM events
     WHERE room_id = ?1 AND timeline = 1 ORDER BY seq";
const ROOMS: &str =
    "SELECT room_id, kind, created_at_ms, head_seq, head_at_ms, n, last_seq, active_at_ms, members
    FROM rooms ORDER BY kind <> 'self', room_id";
/// The next room that has events, by steps through the clustered key.
const NEXT: &str = "SELECT room_id FROM events WHERE room_id > ?1 ORDER BY room_id LIMIT 1";

/// How much was walked.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) rooms: u64,
    pub(super) events: u64,
}

/// What the `self` rooms tell of others.
#[derive(Debug, Default)]
struct Told {
    /// How far a user has read in a room, by the last word of it.
    read: HashMap<(RoomId, UserId), Seq>,
    /// The drafts that have a body, each in its user's own log.
    drafts: HashMap<(RoomId, UserId), Seq>,
}

/// A room's row.
#[derive(Debug, Clone, Copy)]
struct Kept {
    id: RoomId,
    kind: RoomKind,
    created_at_ms: u64,
    head: Seq,
    head_at_ms: u64,
    n: u64,
    last: Seq,
    active_at_ms: u64,
    members: u64,
}

impl Kept {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: RoomId::from_i64(row.get(0)?),
            kind: row::named(row, 1, RoomKind::from_name)?,
            created_at_ms: row::unsigned(row, 2)?,
            head: Seq::from_i64(row.get(3)?),
            head_at_ms: row::unsigned(row, 4)?,
            n: row::unsigned(row, 5)?,
            last: Seq::from_i64(row.get(6)?),
            active_at_ms: row::unsigned(row, 7)?,
            members: row::unsigned(row, 8)?,
        })
    }

    /// The user whose own room it is.
    fn owner(&self) -> Option<UserId> {
        (self.kind == RoomKind::SelfRoom).then(|| UserId::from_i64(self.id.to_i64()))
    }
}

pub(super) fn check(
    connection: &Connection,
    users: &Users,
    pace: &mut Pace,
    findings: &mut Findings,
) -> Result<Walked> {
    let mut rooms = Vec::new();
    let listed = each(connection, ROOMS, |row| {
        rooms.push(Kept::from_row(row)?);
        Ok(())
    });
    findings.unread(Place::default(), listed);
    let (mut walked, mut told) = (Walked::default(), Told::default());
    for room in &rooms {
        let (told, pace) = (&mut told, &mut *pace);
        let mut scene = Scene { connection, users, told, pace, findings: &mut *findings };
        let read = scene.room(room, &mut walked);
        findings.unread(room.id, read);
        walked.rooms += 1;
    }
    let homeless = homeless(connection, &rooms, findings);
    findings.unread(Place::default(), homeless);
    for ((room, user), seq) in told.drafts {
        let why = format!("the draft for room {room} was superseded, or is not known there");
        findings.add(What::Draft, (RoomId::of_self(user), seq), why);
    }
    Ok(walked)
}

/// Events of rooms that there are not.
fn homeless(connection: &Connection, rooms: &[Kept], findings: &mut Findings) -> Result<()> {
    let known: foldhash::HashSet<i64> = rooms.iter().map(|room| room.id.to_i64()).collect();
    let mut next = connection.prepare_cached(NEXT)?;
    let mut last = i64::MIN;
    while let Some(row) = next.query([last])?.next()? {
        last = row.get(0)?;
        if !known.contains(&last) {
            findings.add(What::Reference, RoomId::from_i64(last), "it has events and is not there");
        }
    }
    Ok(())
}

/// What a room is walked with.
struct Scene<'a> {
    connection: &'a Connection,
    users: &'a Users,
    told: &'a mut Told,
    pace: &'a mut Pace,
    findings: &'a mut Findings,
}

impl Scene<'_> {
    fn room(&mut self, room: &Kept, walked: &mut Walked) -> Result<()> {
        let (connection, users) = (self.connection, self.users);
        let members = members::read(connection, room.id)?;
        let mut walk = Walk::new(room.id, &members);
        let mut log = connection.prepare_cached(LOG)?;
        let mut rows = log.query([room.id.to_i64()])?;
        while let Some(row) = rows.next()? {
            walk.step(row, self)?;
            walked.events += 1;
            self.pace.breathe();
        }
        let is_deleted = |user: UserId| users.get(&user).copied().unwrap_or_default();
        if room.owner().is_some_and(is_deleted) {
            // Its log went with the account.
            if walk.events > 0 {
                self.findings.add(
                    What::Erased,
                    room.id,
                    "its account was deleted, its log is there",
                );
            }
            return Ok(());
        }
        walk.end(self.findings);
        self.head(room, &walk);
        members::check(room, &members, &walk, self);
        Ok(())
    }

    fn head(&mut self, room: &Kept, walk: &Walk<'_>) {
        let members = match room.owner() {
            Some(_) => 1,
            None => walk.members.values().filter(|member| member.left.is_none()).count() as u64,
        };
        let (last, active_at_ms) = walk.last.unwrap_or((Seq::ZERO, room.created_at_ms));
        let head_at_ms = if walk.events == 0 { room.head_at_ms } else { walk.at_ms };
        let rows = [
            ("head_seq", room.head.get(), walk.seq.get()),
            ("head_at_ms", room.head_at_ms, head_at_ms),
            ("n", room.n, walk.n),
            ("last_seq", room.last.get(), last.get()),
            ("active_at_ms", room.active_at_ms, active_at_ms),
            ("members", room.members, members),
        ];
        for (column, kept, counted) in rows {
            if kept != counted {
                let why = format!("its row says that {column} is {kept}, its log {counted}");
                self.findings.add(What::Head, room.id, why);
            }
        }
    }
}
