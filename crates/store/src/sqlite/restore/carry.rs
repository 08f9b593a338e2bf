//! What was taken away since the backup, taken away again by what the database of before (`old`) tells.
//!
//! It is done as the writer would: by events, so that the log says how it came so, and clients learn of it
//! as of anything else. Both tell of the same event only where its sender, time and key are the same: one
//! of them may have been restored before.

use chinwag_core::access::{Actor, Role};
use chinwag_core::body;
use chinwag_core::event::EventKind;
use chinwag_core::id::{Key, RoomId, Seq, UserId};
use rusqlite::{Connection, Row};

use crate::restore::Carried;
use crate::sqlite::apply::{accounts, drafts, members};
use crate::sqlite::batch::{Append, Applying, Batch, Failure};
use crate::sqlite::known::Known;
use crate::sqlite::row;
use crate::statistics::Counters;
use crate::store::StoreError;
use crate::write::Refusal;

const ACCOUNTS: &str =
    "SELECT u.user_id FROM main.users u CROSS JOIN old.users o ON o.user_id = u.user_id
    WHERE u.deleted_at_ms IS NULL AND o.deleted_at_ms IS NOT NULL";
/// Who ended it is whoever the log of before names, where that account is there.
const MEMBERSHIPS: &str = "SELECT m.room_id, m.user_id, coalesce((SELECT user_id FROM main.users WHERE user_id = e.user_id), m.user_id)
    FROM main.members m CROSS JOIN old.members o ON o.room_id = m.room_id AND o.user_id = m.user_id
    CROSS JOIN old.events e ON e.room_id = o.room_id AND e.timeline = 1 AND e.seq = o.left_seq
    WHERE m.left_seq IS NULL AND o.left_seq IS NOT NULL AND o.first_seq = m.first_seq";
const ROLES: &str = "SELECT m.room_id, m.user_id, o.role, coalesce((
        SELECT u.user_id FROM old.events e CROSS JOIN main.users u ON u.user_id = e.user_id
        WHERE e.room_id = m.room_id AND e.timeline = 1 AND e.kind = 7 AND e.subject = m.user_id ORDER BY e.seq DESC LIMIT 1), m.user_id)
    FROM main.members m CROSS JOIN old.members o ON o.room_id = m.room_id AND o.user_id = m.user_id
    WHERE m.left_seq IS NULL AND o.left_seq IS NULL AND o.role <> m.role AND o.first_seq = m.first_seq";
const MESSAGES: &str = "SELECT m.room_id, m.seq, d.key, coalesce((SELECT user_id FROM main.users WHERE user_id = d.user_id), m.user_id)
    FROM main.rooms r CROSS JOIN old.events d ON d.room_id = r.room_id AND d.timeline = 0
    CROSS JOIN old.events t ON t.room_id = d.room_id AND t.timeline = 1 AND t.seq = d.subject
    CROSS JOIN main.events m ON m.room_id = t.room_id AND m.timeline = 1 AND m.seq = t.seq
    WHERE d.kind = 2 AND t.body IS NULL AND m.body IS NOT NULL
        AND m.kind = 1 AND m.user_id = t.user_id AND m.at_ms = t.at_ms AND m.key IS t.key";
const DRAFTS: &str = "SELECT m.room_id, m.user_id FROM main.members m
    CROSS JOIN old.members o ON o.room_id = m.room_id AND o.user_id = m.user_id
    WHERE m.left_seq IS NULL AND m.draft IS NOT NULL AND o.draft_seq IS NOT m.draft_seq";

/// What lets people in, as it was last: of the accounts that live in both.
const SECRETS: &str = "
    DELETE FROM main.session_tokens; DELETE FROM main.sessions; DELETE FROM main.resets;
    DELETE FROM main.invites; DELETE FROM main.signing_keys;
    INSERT INTO main.signing_keys SELECT * FROM old.signing_keys;
    INSERT INTO main.invites SELECT * FROM old.invites;
    UPDATE main.installation SET registration = (SELECT registration FROM old.installation);
    INSERT INTO main.sessions SELECT * FROM old.sessions WHERE user_id IN (SELECT user_id FROM main.users WHERE handle IS NOT NULL);
    INSERT INTO main.session_tokens SELECT * FROM old.session_tokens WHERE session_id IN (SELECT session_id FROM main.sessions);
    INSERT INTO main.resets SELECT * FROM old.resets WHERE user_id IN (SELECT user_id FROM main.users WHERE handle IS NOT NULL);
    UPDATE main.users SET password = o.password FROM old.users o WHERE o.user_id = users.user_id AND users.handle IS NOT NULL AND o.handle IS NOT NULL;
";
/// Somebody must own the installation.
const RANKS: &str = "UPDATE main.users SET rank = o.rank FROM old.users o
    WHERE o.user_id = users.user_id AND users.handle IS NOT NULL AND o.handle IS NOT NULL AND EXISTS (
        SELECT 1 FROM old.users p CROSS JOIN main.users q ON q.user_id = p.user_id
        WHERE p.rank = 'owner' AND p.handle IS NOT NULL AND q.handle IS NOT NULL)";
/// The lines that only the database of before has, after those of the backup: who did what was done all the
/// same.
const AUDIT: &str = "INSERT INTO main.audit (at_ms, actor, act, subject, detail)
    SELECT at_ms, actor, act, subject, detail FROM old.audit o WHERE NOT EXISTS (
        SELECT 1 FROM main.audit m WHERE m.number = o.number AND m.at_ms = o.at_ms AND m.actor IS o.actor
            AND m.act = o.act AND m.subject IS o.subject AND m.detail = o.detail)
    ORDER BY o.number";
/// Nobody comes in with what may have been withdrawn.
const LOST: &str = "
    DELETE FROM main.session_tokens; DELETE FROM main.resets; DELETE FROM main.invites;";

/// Where nothing tells: ends all that lets people in but their passwords.
pub(super) fn nothing(connection: &Connection, now_ms: u64) -> Result<(), StoreError> {
    connection.execute_batch(LOST)?;
    let sql = "UPDATE main.sessions SET revoked_at_ms = ?1 WHERE revoked_at_ms IS NULL";
    connection.execute(sql, [now_ms.cast_signed()])?;
    Ok(())
}

/// Takes all away that `old` says was.
pub(super) fn all(
    connection: &Connection,
    counters: &Counters,
    known: &mut Known,
    now_ms: u64,
) -> Result<Carried, StoreError> {
    connection.execute_batch(SECRETS)?;
    let batch = Batch::new(connection, counters, known)?;
    let mut carrying = Carrying { connection, batch, now_ms, done: Carried::default() };
    carrying.everything().map_err(|failure| match failure {
        Failure::Database(error) => error.into(),
        Failure::Refused(refusal) => refused(&refusal),
    })?;
    let Carrying { mut batch, done, .. } = carrying;
    batch.flush()?;
    connection.execute(RANKS, [])?;
    connection.execute(AUDIT, [])?;
    Ok(done)
}

/// What was read a moment ago in the same transaction is not there any more: a row is not what its
/// table promises.
fn refused(refusal: &Refusal) -> StoreError {
    tracing::error!(%refusal, "the database of before tells of what the backup has not");
    StoreError::Database(rusqlite::Error::InvalidQuery)
}

struct Carrying<'c> {
    connection: &'c Connection,
    batch: Batch<'c>,
    now_ms: u64,
    done: Carried,
}

impl Carrying<'_> {
    fn everything(&mut self) -> Applying<()> {
        for user in self.rows(ACCOUNTS, |row| user(row, 0))? {
            accounts::erase(&mut self.batch, user, self.now_ms)?;
            self.done.accounts += 1;
        }
        let ended = self.rows(MEMBERSHIPS, |row| Ok((room(row)?, user(row, 1)?, user(row, 2)?)))?;
        for (room, user, by) in ended {
            self.dismiss(room, user, by)?;
        }
        let roles = self.rows(ROLES, |row| {
            Ok((room(row)?, user(row, 1)?, row::named(row, 2, Role::from_name)?, user(row, 3)?))
        })?;
        for (room, user, role, by) in roles {
            self.role(room, user, role, by)?;
        }
        let messages = self.rows(MESSAGES, |row| {
            let key = row.get::<_, Option<[u8; 16]>>(2)?.map(Key::from_bytes);
            Ok((room(row)?, Seq::from_i64(row.get(1)?), key, user(row, 3)?))
        })?;
        for (room, target, key, by) in messages {
            self.erase(room, target, key, by)?;
        }
        for (room, user) in self.rows(DRAFTS, |row| Ok((room(row)?, user(row, 1)?)))? {
            drafts::clear(&mut self.batch, room, user, self.now_ms)?;
            self.done.drafts += 1;
        }
        Ok(())
    }

    /// All at once: what follows changes what is read. The room's and members' rows that changed are
    /// written first, so that it is seen.
    fn rows<T>(
        &mut self,
        sql: &str,
        of: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Applying<Vec<T>> {
        self.batch.flush()?;
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], of)?.collect::<rusqlite::Result<Vec<T>>>();
        Ok(rows?)
    }

    fn dismiss(&mut self, room: RoomId, user: UserId, by: UserId) -> Applying<()> {
        let (_, actor) = self.batch.scene(room, user)?;
        if actor.role.is_none() {
            // The account went before.
            return Ok(());
        }
        accounts::pass_on(&mut self.batch, room, actor, self.now_ms)?;
        members::end(&mut self.batch, room, user, by, self.now_ms, None)?;
        self.done.memberships += 1;
        Ok(())
    }

    fn role(&mut self, room: RoomId, user: UserId, role: Role, by: UserId) -> Applying<()> {
        let (_, Actor { role: now, .. }) = self.batch.scene(room, user)?;
        if now.is_none_or(|now| now == role) {
            return Ok(());
        }
        self.batch.member_role(room, user, role, by, self.now_ms, None)?;
        self.done.roles += 1;
        Ok(())
    }

    fn erase(&mut self, room: RoomId, target: Seq, key: Option<Key>, by: UserId) -> Applying<()> {
        self.batch.room(room)?;
        let Some(message) = self.batch.event(room, true, target)? else {
            return Ok(());
        };
        let key = match key {
            Some(key) if self.batch.known(room, by, key)?.is_none() => Some(key),
            _ => None,
        };
        let (kind, body) = (EventKind::Deletion { target }, body::deletion(target));
        let append = Append { room, kind, from: by, at_ms: self.now_ms, key, body };
        let deletion = self.batch.append(append)?;
        self.batch.event_rewrite(&message, deletion.seq, None)?;
        self.done.messages += 1;
        Ok(())
    }
}

fn room(row: &Row<'_>) -> rusqlite::Result<RoomId> {
    row.get(0).map(RoomId::from_i64)
}

fn user(row: &Row<'_>, column: usize) -> rusqlite::Result<UserId> {
    row.get(column).map(UserId::from_i64)
}
