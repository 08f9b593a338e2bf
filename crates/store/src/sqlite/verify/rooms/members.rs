//! The rows of a room's members.

use chinwag_core::access::Role;
use chinwag_core::id::{RoomId, Seq, UserId};
use rusqlite::{Connection, Result, Row};

use super::walk::{Member, Walk};
use super::{Kept, Scene};
use crate::sqlite::row;
use crate::verify::What;

const MEMBERS: &str =
    "SELECT user_id, role, first_seq, join_seq, joined_at_ms, read_seq, read_n, left_seq,
    draft IS NOT NULL, draft_seq, delivered_seq FROM members WHERE room_id = ?1 ORDER BY read_seq";

/// A member's row.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) user: UserId,
    role: Role,
    first: Seq,
    join: Seq,
    joined_at_ms: u64,
    pub(super) read: Seq,
    pub(super) read_n: u64,
    left: Option<Seq>,
    has_draft: bool,
    draft: Option<Seq>,
    delivered: Seq,
}

impl Mark {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            user: UserId::from_i64(row.get(0)?),
            role: row::named(row, 1, Role::from_name)?,
            first: Seq::from_i64(row.get(2)?),
            join: Seq::from_i64(row.get(3)?),
            joined_at_ms: row::unsigned(row, 4)?,
            read: Seq::from_i64(row.get(5)?),
            read_n: row::unsigned(row, 6)?,
            left: row.get::<_, Option<i64>>(7)?.map(Seq::from_i64),
            has_draft: row.get(8)?,
            draft: row.get::<_, Option<i64>>(9)?.map(Seq::from_i64),
            delivered: Seq::from_i64(row.get(10)?),
        })
    }
}

/// The members by their read marks, ascending.
pub(super) fn read(connection: &Connection, room: RoomId) -> Result<Vec<Mark>> {
    let mut statement = connection.prepare_cached(MEMBERS)?;
    statement.query_map([room.to_i64()], Mark::from_row)?.collect()
}

pub(super) fn check(room: &Kept, marks: &[Mark], walk: &Walk<'_>, scene: &mut Scene<'_>) {
    if let Some(owner) = room.owner() {
        if !matches!(marks, [mark] if mark.user == owner && mark.left.is_none()) {
            scene.findings.add(What::Member, room.id, "its user is not its one member");
        }
        return;
    }
    for mark in marks {
        match walk.members.get(&mark.user) {
            Some(told) => of_member(room.id, mark, told, scene),
            None => {
                let why = format!("{} never joined and is a member", mark.user);
                scene.findings.add(What::Member, room.id, why);
            }
        }
        delivery(room.id, mark, walk.seq, scene);
        draft(room.id, mark, scene);
    }
    let kept: foldhash::HashSet<UserId> = marks.iter().map(|mark| mark.user).collect();
    for user in walk.members.keys().filter(|user| !kept.contains(*user)) {
        let why = format!("{user} joined and is no member");
        scene.findings.add(What::Member, room.id, why);
    }
}

fn of_member(room: RoomId, mark: &Mark, told: &Member, scene: &mut Scene<'_>) {
    let user = mark.user;
    let kept = (mark.first, mark.join, mark.joined_at_ms, mark.left);
    let role = told.role.unwrap_or(mark.role);
    if kept != (told.first, told.join, told.joined_at_ms, told.left) || mark.role != role {
        let why = format!("the membership of {user} is not what the log says");
        scene.findings.add(What::Member, room, why);
    }
    let is_deleted = scene.users.get(&user).copied().unwrap_or_default();
    let read = scene.told.read.get(&(room, user)).map_or(told.read, |&read| read.max(told.read));
    // The log of a deleted account, which told it, is gone.
    if mark.read < read || (mark.read > read && !is_deleted) {
        let why = format!("{user} has read up to {}, by the log up to {read}", mark.read);
        scene.findings.add(What::ReadMark, room, why);
    }
}

/// No log tells it, but what was read was delivered, and nothing is that does not exist.
fn delivery(room: RoomId, mark: &Mark, head: Seq, scene: &mut Scene<'_>) {
    if mark.delivered < mark.read || mark.delivered > head {
        let Mark { user, read, delivered, .. } = mark;
        let why = format!("{user} has up to {delivered}, of {head}, and has read up to {read}");
        scene.findings.add(What::DeliveryMark, room, why);
    }
}

/// The row says where the draft was told last; only that event has a body.
fn draft(room: RoomId, mark: &Mark, scene: &mut Scene<'_>) {
    let user = mark.user;
    let is_deleted = scene.users.get(&user).copied().unwrap_or_default();
    if is_deleted {
        return;
    }
    let told = scene.told.drafts.remove(&(room, user));
    if mark.draft != told || (mark.has_draft && told.is_none()) {
        let why = format!("the draft of {user} is not what the log says");
        scene.findings.add(What::Draft, room, why);
    }
}
