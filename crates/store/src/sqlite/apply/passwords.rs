//! Passwords, and the links with which one sets a new one.

use chinwag_core::access::{InstallationAction, authorise_installation};
use chinwag_core::id::{SessionId, UserId};
use rusqlite::params;

use super::audit::{self, By};
use super::sessions;
use crate::sqlite::batch::{Applied, Applying, Batch};
use crate::sqlite::row;
use crate::sqlite::statements as sql;
use crate::write::{PasswordHash, Refusal, Submission, TokenHash, Written};

/// Refuses what rests on a password that is no longer the user's. Hashing takes so long that another
/// may have been set since this one was read and verified.
pub(super) fn check(batch: &Batch<'_>, user: UserId, verified: &PasswordHash) -> Applying<()> {
    let kept = batch.first(sql::USER_PASSWORD, [user.to_i64()], |row| row.get(0))?;
    match kept.flatten() {
        Some::<String>(kept) if kept == verified.0 => Ok(()),
        _ => Err(Refusal::Unauthorized.into()),
    }
}

pub(super) fn set(
    batch: &mut Batch<'_>,
    s: &Submission,
    verified: &PasswordHash,
    password: &PasswordHash,
    keep: SessionId,
) -> Applying<Applied> {
    check(batch, s.actor, verified)?;
    batch.run(sql::RESET_DELETE, [s.actor.to_i64()])?;
    batch.run(sql::USER_PASSWORD_SET, params![s.actor.to_i64(), password.0])?;
    sessions::revoke_all(batch, s.actor, Some(keep), s.at_ms)?;
    Ok(Applied::silent(Written::Done))
}

pub(super) fn reset_create(
    batch: &mut Batch<'_>,
    s: &Submission,
    by: By,
    user: UserId,
    token: TokenHash,
    expires_at_ms: u64,
) -> Applying<Applied> {
    let rank = by.rank(batch)?;
    let theirs = batch.rank(user)?;
    let asked = InstallationAction::ResetLink { rank: theirs.unwrap_or(rank) };
    authorise_installation(rank, asked)?;
    if theirs.is_none() {
        return Err(Refusal::NotFound.into());
    }
    let params = params![user.to_i64(), token.0, expires_at_ms.cast_signed()];
    batch.run(sql::RESET_SET, params)?;
    audit::note(batch, s, by, "user.reset", Some(user), "")?;
    Ok(Applied::silent(Written::Done))
}

/// Sets a new password with a link, which is used up; whoever was signed in is no more.
pub(super) fn reset_use(
    batch: &mut Batch<'_>,
    s: &Submission,
    token: TokenHash,
    password: &PasswordHash,
) -> Applying<Applied> {
    let found = batch.first(sql::RESET_USER, params![token.0, s.at_ms.cast_signed()], row::user)?;
    let user = found.ok_or(Refusal::Unauthorized)?.id;
    batch.run(sql::RESET_DELETE, [user.to_i64()])?;
    batch.run(sql::USER_PASSWORD_SET, params![user.to_i64(), password.0])?;
    sessions::revoke_all(batch, user, None, s.at_ms)?;
    Ok(Applied::silent(Written::Done))
}
