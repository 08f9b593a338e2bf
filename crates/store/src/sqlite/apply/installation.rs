//! The installation: who has which rank in it, who may let people in, and with what.

use chinwag_core::access::{InstallationAction, Rank, Registration, authorise_installation};
use chinwag_core::id::UserId;
use chinwag_core::limit::{INVITE_USES_MAX, INVITES_MAX};
use rusqlite::params;

use super::Setting;
use super::audit::{self, By};
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
    by: By,
    user: UserId,
    to: Rank,
) -> Applying<Applied> {
    let last_owner = is_only_owner(batch, user)?;
    authorise_installation(by.rank(batch)?, InstallationAction::RankSet { to, last_owner })?;
    let from = batch.rank(user)?.ok_or(Refusal::NotFound)?;
    if from == to {
        return Ok(Applied::silent(Written::Unchanged));
    }
    batch.run(sql::USER_RANK_SET, params![user.to_i64(), to.name()])?;
    let detail = format!("{} to {}", from.name(), to.name());
    audit::note(batch, s, by, "user.rank", Some(user), &detail)?;
    Ok(Applied::silent(Written::Done))
}

/// Says who may register where the configuration does not.
pub(super) fn registration_set(
    batch: &mut Batch<'_>,
    s: &Submission,
    by: By,
    registration: Option<Registration>,
) -> Applying<Applied> {
    let name = registration.map(Registration::name);
    let before =
        batch.first(sql::REGISTRATION_GET, [], |row| row.get::<_, Option<String>>(0))?.flatten();
    if before.as_deref() == name {
        return Ok(Applied::silent(Written::Unchanged));
    }
    batch.run(sql::REGISTRATION_SET, [name])?;
    batch.registration_set = Some(registration);
    audit::note(batch, s, by, "registration.set", None, name.unwrap_or("default"))?;
    Ok(Applied::silent(Written::Done))
}

fn authorise(batch: &Batch<'_>, by: By) -> Applying<()> {
    Ok(authorise_installation(by.rank(batch)?, InstallationAction::Invite)?)
}

pub(super) fn invite_create(
    batch: &mut Batch<'_>,
    s: &Submission,
    by: By,
    code: &str,
    expires_at_ms: u64,
    uses: u32,
) -> Applying<Applied> {
    authorise(batch, by)?;
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
    let detail = format!("{} for {uses}", audit::beginning(code));
    audit::note(batch, s, by, "invite.create", None, &detail)?;
    Ok(Applied::silent(Written::Done))
}

pub(super) fn invite_delete(
    batch: &mut Batch<'_>,
    s: &Submission,
    by: By,
    code: &str,
) -> Applying<Applied> {
    authorise(batch, by)?;
    if batch.run(sql::INVITE_DELETE, [code])? == 0 {
        return Err(Refusal::NotFound.into());
    }
    audit::note(batch, s, by, "invite.delete", None, &audit::beginning(code))?;
    Ok(Applied::silent(Written::Done))
}
