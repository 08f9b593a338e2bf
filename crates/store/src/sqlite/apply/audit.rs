//! Who did what to the installation and its people, in the transaction that did it.

use chinwag_core::access::Rank;
use chinwag_core::id::UserId;
use rusqlite::params;

use crate::sqlite::batch::{Applying, Batch};
use crate::sqlite::statements as sql;
use crate::write::{Refusal, Submission};

/// Who acts.
#[derive(Debug, Clone, Copy)]
pub(super) enum By {
    User(UserId),
    /// Whoever can read the database, and so may do what its owner may.
    Operator,
}

impl By {
    pub(super) fn rank(self, batch: &Batch<'_>) -> Applying<Rank> {
        match self {
            Self::User(user) => Ok(batch.rank(user)?.ok_or(Refusal::Unauthorized)?),
            Self::Operator => Ok(Rank::Owner),
        }
    }

    fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user),
            Self::Operator => None,
        }
    }
}

/// Writes one line of the log. `detail` holds no secret.
pub(super) fn note(
    batch: &Batch<'_>,
    s: &Submission,
    by: By,
    act: &str,
    subject: Option<UserId>,
    detail: &str,
) -> Applying<()> {
    let (actor, subject) = (by.user().map(UserId::to_i64), subject.map(UserId::to_i64));
    batch.run(sql::AUDIT_INSERT, params![s.at_ms.cast_signed(), actor, act, subject, detail])?;
    Ok(())
}

/// So much of an invite's code as names it and lets nobody in.
pub(super) fn beginning(code: &str) -> String {
    let third = code.chars().count() / 3;
    code.chars().take(third).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_named_by_a_third_of_it() {
        assert_eq!(beginning("abcdefghijklmnopqrstuv"), "abcdefg…");
        assert_eq!((beginning("ab"), beginning("")), ("…".to_owned(), "…".to_owned()));
    }
}
