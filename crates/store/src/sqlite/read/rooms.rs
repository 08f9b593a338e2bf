//! Rooms, their lists, and their members.

use chinwag_core::access::{Action, Role, RoomFacts};
use chinwag_core::event::EventKind;
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::limit::{MEMBER_PAGE_MAX, ROOM_PAGE_MAX};
use chinwag_core::receipt::Receipts;
use rusqlite::{Result, Row};

use super::json;
use crate::read::{LeftRow, MemberRow, RoomCursor, RoomPage, RoomRow, UserRow, Visible};
use crate::sqlite::statements as sql;
use crate::sqlite::{Reader, row};

/// After which of a list that falls: everything, where no cursor is given.
fn below(after: Option<&RoomCursor>) -> (i64, i64) {
    after.map_or((i64::MAX, 0), |cursor| (cursor.active_at_ms.cast_signed(), cursor.room.to_i64()))
}

/// The place in the first two columns.
pub(super) fn cursor(row: &Row<'_>) -> Result<RoomCursor> {
    let active_at_ms = row::unsigned(row, 0)?;
    Ok(RoomCursor { active_at_ms, room: RoomId::from_i64(row.get(1)?) })
}

impl Reader {
    /// The user's rooms, most recent first, the `self` room too; at most `limit` and
    /// `ROOM_PAGE_MAX`.
    #[must_use]
    pub fn room_list(&self, user: UserId, after: Option<&RoomCursor>, limit: usize) -> RoomPage {
        let limit = limit.min(ROOM_PAGE_MAX);
        let (active_at_ms, room) = below(after);
        let params = (user.to_i64(), active_at_ms, room, limit as i64 + 1);
        self.room_page(user, self.all(sql::ROOMS_MINE, params, cursor), limit)
    }

    /// All channels, most recent first; of one that the user is not in no more than what a stranger
    /// may see: no `last`, and zero for head, `n` and read mark.
    #[must_use]
    pub fn channel_list(&self, user: UserId, after: Option<&RoomCursor>, limit: usize) -> RoomPage {
        let limit = limit.min(ROOM_PAGE_MAX);
        let (active_at_ms, room) = below(after);
        let params = (active_at_ms, room, limit as i64 + 1);
        self.room_page(user, self.all(sql::ROOMS_CHANNEL, params, cursor), limit)
    }

    /// The rooms that the user left, by id; at most `limit` and `ROOM_PAGE_MAX`. For the user's own
    /// export: they are not found by any other way.
    #[must_use]
    pub fn rooms_left(&self, user: UserId, after: RoomId, limit: usize) -> Vec<LeftRow> {
        let limit = limit.min(ROOM_PAGE_MAX) as i64;
        self.all(sql::MEMBER_ROOMS_LEFT, [user.to_i64(), after.to_i64(), limit], |row| {
            Ok(LeftRow {
                room: RoomId::from_i64(row.get(0)?),
                role: row::named(row, 1, Role::from_name)?,
                joined_at_ms: row::unsigned(row, 2)?,
                read_seq: Seq::from_i64(row.get(3)?),
            })
        })
    }

    /// One room as a page of one, or an empty page where the user may not see it.
    #[must_use]
    pub fn room_page_of(&self, user: UserId, room: RoomId) -> RoomPage {
        if self.sight(user, room, Action::See).is_err() {
            return RoomPage::default();
        }
        self.room_page(user, vec![RoomCursor { active_at_ms: 0, room }], 1)
    }

    /// The rooms at `places` (one more than `limit` where there are more), and who appears in them.
    pub(super) fn room_page(
        &self,
        user: UserId,
        mut places: Vec<RoomCursor>,
        limit: usize,
    ) -> RoomPage {
        let more = places.len() > limit;
        places.truncate(limit);
        let ids = json(places.iter(), |place| place.room.to_i64());
        let mut rooms = self.all(sql::ROOMS_NAMED, (user.to_i64(), ids), |row| self.room_row(row));
        let rank = |room: &RoomRow| places.iter().position(|place| place.room == room.id);
        rooms.sort_by_cached_key(rank);
        let users = self.users_of(&rooms);
        RoomPage { rooms, users, next: places.pop().filter(|_| more) }
    }

    fn room_row(&self, row: &Row<'_>) -> Result<RoomRow> {
        let (kind, history, posting) = row::settings(row, [1, 3, 4])?;
        let role = row::role(row, 7)?;
        let mine = |column| {
            if role.is_none() { Ok(0) } else { row::unsigned(row, column) }
        };
        let has_last = row.get::<_, Option<i64>>(13)?.is_some();
        let last = if has_last { self.event(row, 13)? } else { None };
        Ok(RoomRow {
            id: RoomId::from_i64(row.get(0)?),
            kind,
            name: row.get(2)?,
            history,
            posting,
            role,
            peer: row.get::<_, Option<i64>>(12)?.map(UserId::from_i64),
            members: row::unsigned(row, 5)?,
            head_seq: Seq::new(mine(8)?),
            n: mine(9)?,
            read_seq: Seq::new(mine(10)?),
            read_n: mine(11)?,
            created_at_ms: row::unsigned(row, 6)?,
            last: last.map(|last| last.to_event()),
            draft: row.get(24)?,
            receipts: Receipts::default(),
            delivered_seq: Seq::new(if role.is_none() { 0 } else { row::unsigned(row, 25)? }),
        })
    }

    /// Peers, senders of the last events, and those whom these are about.
    fn users_of(&self, rooms: &[RoomRow]) -> Vec<UserRow> {
        let mut ids: Vec<i64> = Vec::new();
        for room in rooms {
            ids.extend(room.peer.map(UserId::to_i64));
            let Some(last) = &room.last else { continue };
            ids.push(last.from.to_i64());
            if let EventKind::MemberJoined { user }
            | EventKind::MemberLeft { user }
            | EventKind::MemberRole { user } = last.kind
            {
                ids.push(user.to_i64());
            }
        }
        ids.sort_unstable();
        ids.dedup();
        self.all(sql::USERS_NAMED, [json(ids, |id| id)], row::user)
    }

    /// The room's members by number, after the one given; at most `limit` and `MEMBER_PAGE_MAX`.
    /// The second part gives the next page.
    pub fn member_list(
        &self,
        user: UserId,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Visible<(Vec<MemberRow>, Option<UserId>)> {
        self.sight(user, room, Action::Read)?;
        let limit = limit.min(MEMBER_PAGE_MAX);
        let after = after.map_or(0, UserId::to_i64);
        let mut members =
            self.all(sql::MEMBER_PAGE, (room.to_i64(), after, limit as i64 + 1), |row| {
                let joined_at_ms = row::unsigned(row, 9)?;
                let role = row::named(row, 8, Role::from_name)?;
                Ok(MemberRow { user: row::user(row)?, role, joined_at_ms })
            });
        let more = members.len() > limit;
        members.truncate(limit);
        let next = members.last().filter(|_| more).map(|member| member.user.id);
        Ok((members, next))
    }

    /// The heads of these rooms, for nobody's eyes but the server's.
    #[must_use]
    pub fn heads(&self, rooms: &[RoomId]) -> Vec<(RoomId, Seq)> {
        let ids = json(rooms.iter(), |room| room.to_i64());
        self.all(sql::ROOM_HEADS, [ids], |row| {
            Ok((RoomId::from_i64(row.get(0)?), Seq::from_i64(row.get(1)?)))
        })
    }

    /// The user's role in the room, where there is one.
    #[must_use]
    pub fn role(&self, user: UserId, room: RoomId) -> Option<Role> {
        let params = (room.to_i64(), user.to_i64());
        self.first(sql::ROOM_SIGHT, params, |row| row::role(row, 4)).flatten()
    }

    /// What a decision about the room needs to know of it.
    #[must_use]
    pub fn room_facts(&self, room: RoomId) -> Option<RoomFacts> {
        self.first(sql::ROOM_GET, [room.to_i64()], |row| {
            let (kind, _, posting) = row::settings(row, [0, 1, 2])?;
            Ok(RoomFacts { room, kind, posting })
        })
    }
}
