//! How far members have come, and when someone was last seen.

use chinwag_core::access::Action;
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_core::limit::{RECEIPT_MEMBERS_MAX, USER_LOOKUP_MAX};
use chinwag_core::receipt::{Marks, Receipts};
use rusqlite::{Result, Row};

use super::json;
use crate::read::{ReceiptRow, Visible};
use crate::sqlite::reader::Sight;
use crate::sqlite::statements as sql;
use crate::sqlite::{Reader, row};
use crate::write::Refusal;

fn marks(row: &Row<'_>) -> Result<Marks> {
    Ok(Marks {
        join: Seq::from_i64(row.get(0)?),
        delivered: Seq::from_i64(row.get(1)?),
        read: Seq::from_i64(row.get(2)?),
        shares_read: row.get(3)?,
    })
}

impl Reader {
    /// How far all in the room have come; nothing in one of more than `RECEIPT_MEMBERS_MAX`. For nobody's
    /// eyes but the server's: whom it may be told, the hub and [`Receipts::without_read`] say.
    #[must_use]
    pub fn receipts(&self, room: RoomId) -> Receipts {
        let params = (room.to_i64(), RECEIPT_MEMBERS_MAX.cast_signed() + 1);
        let members = self.all(sql::MEMBER_MARKS, params, marks);
        if members.len() as u64 > RECEIPT_MEMBERS_MAX {
            return Receipts::default();
        }
        Receipts::of(members)
    }

    /// How far each of the others has come, by number; a mark from before what the user may see is nothing.
    /// Refused in a room of more than `RECEIPT_MEMBERS_MAX` members.
    pub fn receipt_list(&self, user: UserId, room: RoomId) -> Visible<Vec<ReceiptRow>> {
        let Sight { floor, .. } = self.sight(user, room, Action::Read)?;
        let shares = self.user(user).is_some_and(|user| user.read_receipts);
        let params = (room.to_i64(), user.to_i64(), RECEIPT_MEMBERS_MAX.cast_signed());
        let others = self.all(sql::MEMBER_RECEIPTS, params, |row| receipt(row, shares, floor));
        if others.len() as u64 >= RECEIPT_MEMBERS_MAX {
            return Err(Refusal::Forbidden("a room of more than 1,024 members keeps no receipts"));
        }
        Ok(others)
    }

    /// When those among `users` (the first `USER_LOOKUP_MAX`) were last seen who say so; nobody where
    /// the viewer does not say so either. Whom the viewer may see at all is [`Reader::watchable`]'s.
    #[must_use]
    pub fn last_seen(&self, viewer: UserId, users: &[UserId]) -> Vec<(UserId, u64)> {
        if !self.user(viewer).is_some_and(|viewer| viewer.last_seen) {
            return Vec::new();
        }
        let ids = json(users.iter().take(USER_LOOKUP_MAX), |id| id.to_i64());
        let seen = |row: &Row<'_>| Ok((UserId::from_i64(row.get(0)?), row::unsigned(row, 1)?));
        self.all(sql::USERS_SEEN, [ids], seen).into_iter().filter(|&(_, at_ms)| at_ms > 0).collect()
    }
}

fn receipt(row: &Row<'_>, viewer_shares: bool, floor: Seq) -> Result<ReceiptRow> {
    let user = row::user(row)?;
    let mark = |column| -> Result<(Seq, u64)> {
        let (seq, at_ms) = (Seq::from_i64(row.get(column)?), row::unsigned(row, column + 1)?);
        Ok(if seq < floor { (Seq::ZERO, 0) } else { (seq, at_ms) })
    };
    let (delivered, delivered_at_ms) = mark(9)?;
    let read = if viewer_shares && user.read_receipts { Some(mark(11)?) } else { None };
    Ok(ReceiptRow { user, join: Seq::from_i64(row.get(8)?), delivered, delivered_at_ms, read })
}
