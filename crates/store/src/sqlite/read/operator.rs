//! What the operator reads. The right to it is that one can read the database: nothing here asks who
//! looks, and only the operator's door calls it.

use chinwag_core::access::{Role, RoomKind};
use chinwag_core::id::{RoomId, UserId};
use chinwag_core::limit::OPERATOR_PAGE_MAX;
use rusqlite::{Result, Row};

use super::json;
use crate::read::{AuditRow, MemberRow, OperatorRoom, OperatorUser, Totals, UserRow};
use crate::sqlite::apply::idle_before_ms;
use crate::sqlite::statements as sql;
use crate::sqlite::{Reader, row};

fn user(row: &Row<'_>) -> Result<OperatorUser> {
    let seen_at_ms = row.get::<_, Option<i64>>(8)?.map(i64::cast_unsigned);
    Ok(OperatorUser { user: row::user(row)?, seen_at_ms })
}

fn room(row: &Row<'_>) -> Result<OperatorRoom> {
    let (kind, history, posting) = row::settings(row, [1, 3, 4])?;
    Ok(OperatorRoom {
        id: RoomId::from_i64(row.get(0)?),
        kind,
        name: row.get(2)?,
        history,
        posting,
        members: row::unsigned(row, 5)?,
        n: row::unsigned(row, 6)?,
        created_at_ms: row::unsigned(row, 7)?,
        active_at_ms: row::unsigned(row, 8)?,
    })
}

fn audit(row: &Row<'_>) -> Result<AuditRow> {
    let user =
        |column| -> Result<_> { Ok(row.get::<_, Option<i64>>(column)?.map(UserId::from_i64)) };
    Ok(AuditRow {
        number: row::unsigned(row, 0)?,
        at_ms: row::unsigned(row, 1)?,
        actor: user(2)?,
        act: row.get(3)?,
        subject: user(4)?,
        detail: row.get(5)?,
    })
}

/// As many rows as a page may have.
fn page(limit: usize) -> i64 {
    limit.min(OPERATOR_PAGE_MAX) as i64
}

impl Reader {
    /// The accounts that live, by number, after the one given; at most `limit` and
    /// `OPERATOR_PAGE_MAX`.
    #[must_use]
    pub fn operator_users(&self, after: Option<UserId>, limit: usize) -> Vec<OperatorUser> {
        let after = after.map_or(0, UserId::to_i64);
        self.all(sql::OPERATOR_USERS, [after, page(limit)], user)
    }

    /// One account that lives.
    #[must_use]
    pub fn operator_user(&self, id: UserId) -> Option<OperatorUser> {
        self.first(sql::OPERATOR_USER, [id.to_i64()], user)
    }

    /// The rooms but for `self` rooms, by number, after the one given; at most `limit` and
    /// `OPERATOR_PAGE_MAX`.
    #[must_use]
    pub fn operator_rooms(&self, after: Option<RoomId>, limit: usize) -> Vec<OperatorRoom> {
        let after = after.map_or(0, RoomId::to_i64);
        self.all(sql::OPERATOR_ROOMS, [after, page(limit)], room)
    }

    /// One room, whoever is in it.
    #[must_use]
    pub fn operator_room(&self, id: RoomId) -> Option<OperatorRoom> {
        self.first(sql::OPERATOR_ROOM, [id.to_i64()], room)
    }

    /// A room's members by number, after the one given; at most `limit` and `OPERATOR_PAGE_MAX`.
    #[must_use]
    pub fn operator_members(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Vec<MemberRow> {
        let after = after.map_or(0, UserId::to_i64);
        self.all(sql::MEMBER_PAGE, (room.to_i64(), after, page(limit)), |row| {
            let role = row::named(row, 8, Role::from_name)?;
            let joined_at_ms = row::unsigned(row, 9)?;
            Ok(MemberRow { user: row::user(row)?, role, joined_at_ms })
        })
    }

    /// In how many rooms someone is, the `self` room too.
    #[must_use]
    pub fn operator_room_count(&self, user: UserId) -> u64 {
        let count = |row: &Row<'_>| row::unsigned(row, 0);
        self.first(sql::MEMBER_ROOM_COUNT, [user.to_i64()], count).unwrap_or_default()
    }

    /// The audit log, the newest first, before the line given; at most `limit` and
    /// `OPERATOR_PAGE_MAX`.
    #[must_use]
    pub fn audit(&self, before: Option<u64>, limit: usize) -> Vec<AuditRow> {
        let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
        self.all(sql::AUDIT_PAGE, [before, page(limit)], audit)
    }

    /// These accounts, whoever asks.
    #[must_use]
    pub fn operator_names(&self, ids: &[UserId]) -> Vec<UserRow> {
        let ids = json(ids.iter().take(2 * OPERATOR_PAGE_MAX), |id| id.to_i64());
        self.all(sql::USERS_NAMED, [ids], row::user)
    }

    /// How much of everything there is.
    #[must_use]
    pub fn totals(&self, now_ms: u64) -> Totals {
        let number = |row: &Row<'_>| row::unsigned(row, 0);
        let count = |found: Option<u64>| found.unwrap_or_default();
        let rooms = self.all(sql::TOTAL_ROOMS, [], |row| {
            let kind = row::named(row, 0, RoomKind::from_name)?;
            Ok((kind, row::unsigned(row, 1)?, row::unsigned(row, 2)?))
        });
        Totals {
            users: count(self.first(sql::TOTAL_USERS, [], number)),
            sessions: count(self.first(sql::TOTAL_SESSIONS, [idle_before_ms(now_ms)], number)),
            invites: self.invites(now_ms).len() as u64,
            rooms: rooms.iter().map(|&(kind, rooms, _)| (kind, rooms)).collect(),
            messages: rooms.iter().map(|&(.., messages)| messages).sum(),
            audit_lines: count(self.first(sql::TOTAL_AUDIT, [], number)),
        }
    }
}
