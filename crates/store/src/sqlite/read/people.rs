//! Accounts, sessions, invites.

use chinwag_core::id::{SessionId, UserId};
use chinwag_core::limit::{USER_LOOKUP_MAX, USERS_RANKED_MAX};
use rusqlite::{Result, Row};

use super::json;
use crate::read::{InviteRow, SessionRow, UserRow};
use crate::sqlite::apply::idle_before_ms;
use crate::sqlite::statements as sql;
use crate::sqlite::{Reader, row};
use crate::write::{PasswordHash, TokenHash};

fn session(row: &Row<'_>) -> Result<SessionRow> {
    Ok(SessionRow {
        id: SessionId::from_i64(row.get(0)?),
        user: UserId::from_i64(row.get(1)?),
        label: row.get(2)?,
        created_at_ms: row::unsigned(row, 3)?,
        seen_at_ms: row::unsigned(row, 4)?,
    })
}

fn invite(row: &Row<'_>) -> Result<InviteRow> {
    Ok(InviteRow {
        code: row.get(0)?,
        created_by: UserId::from_i64(row.get(1)?),
        created_at_ms: row::unsigned(row, 2)?,
        expires_at_ms: row::unsigned(row, 3)?,
        uses: row.get(4)?,
        uses_left: row.get(5)?,
    })
}

fn lookup(ids: &[UserId]) -> String {
    json(ids.iter().take(USER_LOOKUP_MAX), |id| id.to_i64())
}

impl Reader {
    /// The account of a handle; none for one that was deleted.
    #[must_use]
    pub fn user_by_handle(&self, handle: &str) -> Option<UserRow> {
        self.first(sql::USER_OF_HANDLE, [handle], row::user)
    }

    /// The account of a number; a deleted one with an empty handle.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<UserRow> {
        self.first(sql::USER_GET, [id.to_i64()], row::user)
    }

    /// Those among `ids` (the first `USER_LOOKUP_MAX`) whom the viewer may know: who shares a room,
    /// or wrote or was named in what the viewer may see of one; and the viewer.
    #[must_use]
    pub fn users_visible(&self, viewer: UserId, ids: &[UserId]) -> Vec<UserRow> {
        self.all(sql::USERS_VISIBLE, (viewer.to_i64(), lookup(ids)), row::user)
    }

    /// The owners and admins of the installation, in no order; at most `USERS_RANKED_MAX`.
    #[must_use]
    pub fn users_ranked(&self) -> Vec<UserRow> {
        self.all(sql::USERS_RANKED, [USERS_RANKED_MAX as i64], row::user)
    }

    /// Those among `ids` (the first `USER_LOOKUP_MAX`) who share a room with the viewer now.
    #[must_use]
    pub fn watchable(&self, viewer: UserId, ids: &[UserId]) -> Vec<UserId> {
        let params = (viewer.to_i64(), lookup(ids));
        self.all(sql::USERS_WATCHABLE, params, |row| Ok(UserId::from_i64(row.get(0)?)))
    }

    /// What a sign-in is checked against.
    #[must_use]
    pub fn credentials(&self, handle: &str) -> Option<(UserId, PasswordHash)> {
        self.first(sql::USER_CREDENTIALS, [handle], |row| {
            Ok((UserId::from_i64(row.get(0)?), PasswordHash(row.get(1)?)))
        })
    }

    /// What an account's own password is checked against.
    #[must_use]
    pub fn password(&self, user: UserId) -> Option<PasswordHash> {
        let password = |row: &Row<'_>| row.get::<_, Option<String>>(0);
        self.first(sql::USER_PASSWORD, [user.to_i64()], password).flatten().map(PasswordHash)
    }

    /// The session, where it was neither revoked nor left idle too long.
    #[must_use]
    pub fn session_live(&self, id: SessionId, now_ms: u64) -> Option<SessionRow> {
        self.first(sql::SESSION_GET, [id.to_i64(), idle_before_ms(now_ms)], session)
    }

    /// The user's live sessions, the one used last first.
    #[must_use]
    pub fn sessions(&self, user: UserId, now_ms: u64) -> Vec<SessionRow> {
        self.all(sql::SESSIONS_OF, [user.to_i64(), idle_before_ms(now_ms)], session)
    }

    /// The sessions that were revoked at this time or later. Known for a day.
    #[must_use]
    pub fn revoked_since(&self, at_ms: u64) -> Vec<SessionId> {
        self.all(sql::SESSIONS_REVOKED, [at_ms.cast_signed()], |row| {
            Ok(SessionId::from_i64(row.get(0)?))
        })
    }

    /// The invites that would let someone in now.
    #[must_use]
    pub fn invites(&self, now_ms: u64) -> Vec<InviteRow> {
        self.all(sql::INVITES, [now_ms.cast_signed()], invite)
    }

    /// The invites that the user made and that are still kept, open or not.
    #[must_use]
    pub fn invites_of(&self, user: UserId) -> Vec<InviteRow> {
        self.all(sql::INVITES_OF, [user.to_i64()], invite)
    }

    /// True where the code would let someone in now.
    #[must_use]
    pub fn invite_usable(&self, code: &str, now_ms: u64) -> bool {
        let usable = self.first(sql::INVITE_GET, [code], |row| {
            Ok(row.get::<_, i64>(0)? > 0 && row::unsigned(row, 1)? > now_ms)
        });
        usable.unwrap_or(false)
    }

    /// Whose password the link would set.
    #[must_use]
    pub fn reset_user(&self, token: TokenHash, now_ms: u64) -> Option<UserRow> {
        self.first(sql::RESET_USER, (token.0, now_ms.cast_signed()), row::user)
    }
}
