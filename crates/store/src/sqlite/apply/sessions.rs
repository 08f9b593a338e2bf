//! Sessions and their refresh tokens.
//!
//! A token is used once. The one used last still works for [`REFRESH_GRACE_S`] (two tabs, a lost
//! answer) and yields one more successor. Of several successors the first that is used becomes the
//! session's line and the others are spent, so however many were given out, one line lives on. A
//! spent token that comes back means that two hold the session: it ends.

use chinwag_core::id::{SessionId, UserId};
use chinwag_core::limit::{REFRESH_GRACE_S, SESSION_IDLE_DAYS, SESSIONS_PER_USER_MAX};
use rusqlite::params;

use super::audit::{self, By};
use super::passwords;
use crate::sqlite::batch::{Applied, Applying, Batch, Entry};
use crate::sqlite::row;
use crate::sqlite::statements as sql;
use crate::write::{NewSession, PasswordHash, Refusal, Submission, TokenHash, Written};

/// Tokens of one session whose hashes are kept, beside the one used last, to know a spent one when it
/// comes back.
const TOKENS_KEPT: u64 = 50;

/// Ended sessions are kept a day, so that whoever asks since when sees them.
const REVOKED_KEPT_MS: u64 = 24 * 3_600_000;

/// A session that was not used since this time is over.
pub(crate) fn idle_before_ms(now_ms: u64) -> i64 {
    now_ms.saturating_sub(SESSION_IDLE_DAYS * 24 * 3_600_000).cast_signed()
}

pub(super) fn is_known(batch: &Batch<'_>, session: &NewSession) -> Applying<bool> {
    Ok(batch.any(sql::SESSION_KNOWN, [session.id.to_i64()])?
        || batch.any(sql::TOKEN_GET, [session.refresh.0])?)
}

pub(super) fn create(
    batch: &mut Batch<'_>,
    s: &Submission,
    verified: &PasswordHash,
    session: &NewSession,
) -> Applying<Applied> {
    passwords::check(batch, s.actor, verified)?;
    if is_known(batch, session)? {
        return Err(Refusal::Busy.into());
    }
    let idle = idle_before_ms(s.at_ms);
    let old = s.at_ms.saturating_sub(REVOKED_KEPT_MS).cast_signed();
    batch.run(sql::SESSIONS_PRUNE, [s.actor.to_i64(), idle, old])?;
    let live = batch.numbers(sql::SESSIONS_OF, [s.actor.to_i64(), idle])?;
    let kept = SESSIONS_PER_USER_MAX as usize - 1;
    let ended: Vec<_> = live.iter().skip(kept).map(|&id| SessionId::from_i64(id)).collect();
    end(batch, s.actor, ended, s.at_ms)?;
    insert(batch, s.actor, session, s.at_ms)?;
    Ok(Applied::silent(Written::Session { user: s.actor, session: session.id }))
}

pub(super) fn insert(
    batch: &Batch<'_>,
    user: UserId,
    session: &NewSession,
    at_ms: u64,
) -> Applying<()> {
    let (id, at) = (session.id.to_i64(), at_ms.cast_signed());
    batch.run(sql::SESSION_INSERT, params![id, user.to_i64(), session.label, at])?;
    token_insert(batch, session.id, session.refresh)
}

/// Gives out one more token of a session, and forgets the oldest.
fn token_insert(batch: &Batch<'_>, session: SessionId, token: TokenHash) -> Applying<()> {
    let id = session.to_i64();
    let number = batch.first(sql::SESSION_TOKEN_NEXT, [id], |row| row::unsigned(row, 0))?;
    let number = number.unwrap_or_default();
    batch.run(sql::TOKEN_INSERT, params![token.0, id, number.cast_signed()])?;
    if number > TOKENS_KEPT {
        batch.run(sql::TOKENS_PRUNE, [id, (number - TOKENS_KEPT).cast_signed()])?;
    }
    Ok(())
}

/// What is known of a token that someone shows.
struct Presented {
    session: SessionId,
    user: UserId,
    seen_at_ms: u64,
    rotated_at_ms: u64,
    used: bool,
    previous: bool,
}

fn presented(batch: &Batch<'_>, token: TokenHash) -> Applying<Option<Presented>> {
    Ok(batch.first(sql::TOKEN_GET, [token.0], |row| {
        Ok(Presented {
            session: SessionId::from_i64(row.get(0)?),
            user: UserId::from_i64(row.get(1)?),
            seen_at_ms: row::unsigned(row, 2)?,
            rotated_at_ms: row::unsigned(row, 3)?,
            used: row.get(4)?,
            previous: row.get(5)?,
        })
    })?)
}

pub(super) fn refresh(
    batch: &mut Batch<'_>,
    s: &Submission,
    token: TokenHash,
    next: TokenHash,
) -> Applying<Applied> {
    let found = presented(batch, token)?.ok_or(Refusal::Unauthorized)?;
    if found.seen_at_ms.cast_signed() <= idle_before_ms(s.at_ms) {
        return Err(Refusal::Unauthorized.into());
    }
    if batch.any(sql::TOKEN_GET, [next.0])? {
        return Err(Refusal::Busy.into());
    }
    let id = found.session.to_i64();
    let in_grace = s.at_ms <= found.rotated_at_ms + REFRESH_GRACE_S * 1000;
    match (found.used, found.previous && in_grace) {
        (false, _) => {
            batch.run(sql::TOKENS_USE, [id])?;
            let at_ms = s.at_ms.cast_signed();
            batch.run(sql::SESSION_ROTATE, params![id, token.0, at_ms])?;
        }
        (true, true) => {}
        (true, false) => {
            end(batch, found.user, vec![found.session], s.at_ms)?;
            return Err(Refusal::Unauthorized.into());
        }
    }
    token_insert(batch, found.session, next)?;
    Ok(Applied::silent(Written::Session { user: found.user, session: found.session }))
}

pub(super) fn revoke(
    batch: &mut Batch<'_>,
    s: &Submission,
    session: SessionId,
) -> Applying<Applied> {
    let live = batch.numbers(sql::SESSIONS_OF, [s.actor.to_i64(), idle_before_ms(s.at_ms)])?;
    if !live.contains(&session.to_i64()) {
        return Err(Refusal::NotFound.into());
    }
    end(batch, s.actor, vec![session], s.at_ms)?;
    Ok(Applied::silent(Written::Done))
}

/// Ends a session, whosever it is.
pub(super) fn remove(
    batch: &mut Batch<'_>,
    s: &Submission,
    by: By,
    session: SessionId,
) -> Applying<Applied> {
    let params = [session.to_i64(), idle_before_ms(s.at_ms)];
    let user = batch.first(sql::SESSION_GET, params, |row| row.get(1))?;
    let user = UserId::from_i64(user.ok_or(Refusal::NotFound)?);
    end(batch, user, vec![session], s.at_ms)?;
    audit::note(batch, s, by, "session.revoke", Some(user), &session.to_string())?;
    Ok(Applied::silent(Written::Done))
}

/// Ends all sessions of a user.
pub(super) fn remove_all(
    batch: &mut Batch<'_>,
    s: &Submission,
    by: By,
    user: UserId,
) -> Applying<Applied> {
    batch.rank(user)?.ok_or(Refusal::NotFound)?;
    revoke_all(batch, user, None, s.at_ms)?;
    audit::note(batch, s, by, "session.revoke", Some(user), "all")?;
    Ok(Applied::silent(Written::Done))
}

/// Ends all sessions of a user, but for one that is to be kept.
pub(super) fn revoke_all(
    batch: &mut Batch<'_>,
    user: UserId,
    keep: Option<SessionId>,
    at_ms: u64,
) -> Applying<()> {
    let live = batch.numbers(sql::SESSIONS_OF, [user.to_i64(), 0])?;
    let ended = live.into_iter().map(SessionId::from_i64).filter(|id| Some(*id) != keep);
    end(batch, user, ended.collect(), at_ms)
}

fn end(batch: &mut Batch<'_>, user: UserId, sessions: Vec<SessionId>, at_ms: u64) -> Applying<()> {
    for session in &sessions {
        let id = session.to_i64();
        batch.run(sql::SESSION_REVOKE, [id, at_ms.cast_signed()])?;
        batch.run(sql::TOKENS_ERASE, [id])?;
    }
    if !sessions.is_empty() {
        batch.told.push(Entry::Revoked { user, sessions });
    }
    Ok(())
}
