//! The installation: who has which rank in it, who may let people in, and with what.

use chinwag_core::access::{InstallationAction, Rank, authorise_installation};
use chinwag_core::id::UserId;
use chinwag_core::limit::{INVITE_USES_MAX, INVITES_MAX};
use rusqlite::params;

use super::Setting;
use crate::sqlite::batch::{Applied, Applying, Batch};
use crate::sqlite::statements as sql;
use crate::write::{Admission, Refusal, Submission, Written};

/// Checks what is to let a new account in; the invite's code where one is to be used up.
pub(super) fn admission<'a>(
    batch: &Batch<'_>,
    setting: &Setting,
    s: &Submission,
    admission: &'a Admission,
    first: bool,
) -> Applying<Option<&'a str>> {
    match admission {
        Admission::Open => Ok(None),
        Admission::Invite(code)
            if first && !batch.accounts_changed && setting.bootstrap.as_ref() == Some(code) =>
        {
            Ok(None)
        }
        Admission::Invite(code) => {
            let usable = batch.first(sql::INVITE_GET, [code], |row| {
                Ok(row.get::<_, i64>(0)? > 0 && row.get::<_, i64>(1)? > s.at_ms.cast_signed())
            })?;
            let code = usable.unwrap_or(false).then_some(code.as_str());
            code.map(Some).ok_or(Refusal::Unauthorized.into())
        }
    }
}

/// True where nobody else owns the installation.
pub(super) fn is_only_owner(batch: &Batch<'_>, user: UserId) -> Applying<bool> {
    Ok(!batch.any(sql::USER_OWNER_OTHER, [user.to_i64()])?)
}

pub(super) fn rank_set(
    batch: &mut Batch<'_>,
    s: &Submission,
    user: UserId,
    to: Rank,
) -> Applying<Applied> {
    let rank = batch.rank(s.actor)?.ok_or(Refusal::Unauthorized)?;
    let last_owner = is_only_owner(batch, user)?;
    authorise_installation(rank, InstallationAction::RankSet { to, last_owner })?;
    if batch.rank(user)?.is_none() {
        return Err(Refusal::NotFound.into());
    }
    batch.run(sql::USER_RANK_SET, params![user.to_i64(), to.name()])?;
    Ok(Applied::silent(Written::Done))
}

fn authorise(batch: &Batch<'_>, s: &Submission) -> Applying<()> {
    let rank = batch.rank(s.actor)?.ok_or(Refusal::Unauthorized)?;
    Ok(authorise_installation(rank, InstallationAction::Invite)?)
}

pub(super) fn invite_create(
    batch: &mut Batch<'_>,
    s: &Submission,
    code: &str,
    expires_at_ms: u64,
    uses: u32,
) -> Applying<Applied> {
    authorise(batch, s)?;
    let invalid = |field, why| Err(Refusal::Invalid { field, why }.into());
    if uses == 0 || uses > INVITE_USES_MAX {
        return invalid("uses", "must be 1 to 10,000");
    }
    if expires_at_ms <= s.at_ms {
        return invalid("expires_at_ms", "must be in the future");
    }
    if code.is_empty() || batch.any(sql::INVITE_GET, [code])? {
        return Err(Refusal::Busy.into());
    }
    // Spent invites make place; that is no part of the outcome, so it may come before the refusal.
    batch.run(sql::INVITES_PRUNE, [s.at_ms.cast_signed()])?;
    let open = batch.first(sql::INVITE_COUNT, [], |row| row.get::<_, i64>(0))?.unwrap_or(0);
    if open.cast_unsigned() >= INVITES_MAX {
        return Err(Refusal::Forbidden("there are as many open invites as may be").into());
    }
    let (at_ms, expires) = (s.at_ms.cast_signed(), expires_at_ms.cast_signed());
    batch.run(sql::INVITE_INSERT, params![code, s.actor.to_i64(), at_ms, expires, uses])?;
    Ok(Applied::silent(Written::Done))
}

pub(super) fn invite_delete(
    batch: &mut Batch<'_>,
    s: &Submission,
    code: &str,
) -> Applying<Applied> {
    authorise(batch, s)?;
    if batch.run(sql::INVITE_DELETE, [code])? == 0 {
        return Err(Refusal::NotFound.into());
    }
    Ok(Applied::silent(Written::Done))
}
