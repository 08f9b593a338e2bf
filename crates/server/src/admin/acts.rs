//! What each act does.

use std::collections::HashMap;

use chinwag_core::access::{Rank, Registration, RoomKind};
use chinwag_core::id::{Key, RoomId, SessionId, UserId};
use chinwag_core::limit::{self, INVITE_USES_MAX, OPERATOR_PAGE_MAX, RESET_LINK_H};
use chinwag_core::text::Handle;
use chinwag_store::read::{AuditRow, InviteRow, MemberRow, OperatorRoom, OperatorUser, Reader};
use chinwag_store::read::{SessionRow, UserRow};
use chinwag_store::write::{Operation, Refusal, Write, Written};
use chinwag_store::{Store, installation_user};
use serde_json::{Value, json};

use super::answer::{Answer, Table};
use super::{Act, Reply, Who};
use crate::app::{self, App};
use crate::auth::token;
use crate::clock;
use crate::commands::invite::{INVITE_DAYS_MAX, new_code};
use crate::config::Config;
use crate::probe::Probes;

const DAY_MS: u64 = 24 * 3_600_000;

/// Where acts are done: a store, and the server around it where it runs.
pub(super) struct Desk<'a> {
    pub(super) store: &'a Store,
    pub(super) config: &'a Config,
    pub(super) app: Option<&'a App>,
}

/// Why not, as a sentence.
type Outcome<T> = Result<T, String>;

impl Desk<'_> {
    /// Does one act.
    pub(super) async fn reply(&self, act: Act) -> Reply {
        self.answer(act).await.map_or_else(Reply::Refused, Reply::Done)
    }

    async fn answer(&self, act: Act) -> Outcome<Answer> {
        match act {
            Act::UsersList { after, limit } => self.users_list(after, limit).await,
            Act::UserShow { who } => self.user_show(who).await,
            Act::UserRank { who, rank } => self.user_rank(who, &rank).await,
            Act::UserDelete { who } => self.user_delete(who).await,
            Act::UserReset { who } => self.user_reset(who).await,
            Act::RoomsList { after, limit } => self.rooms_list(after, limit).await,
            Act::RoomShow { room } => self.room_show(room).await,
            Act::RoomMembers { room, after, limit } => self.room_members(room, after, limit).await,
            Act::SessionsList { who } => self.sessions_list(who).await,
            Act::SessionRevoke { session } => self.session_revoke(session).await,
            Act::SessionsRevoke { who } => self.sessions_revoke(who).await,
            Act::InvitesList => self.invites_list().await,
            Act::InviteMake { uses, days } => self.invite_make(uses, days).await,
            Act::InviteRevoke { code } => self.invite_revoke(code).await,
            Act::RegistrationShow => Ok(self.registration()),
            Act::RegistrationSet { registration } => {
                self.registration_set(registration.as_deref()).await
            }
            Act::Limits => Ok(limits()),
            Act::Statistics => self.statistics().await,
            Act::Audit { before, limit } => self.audit(before, limit).await,
            Act::ProbeBegin => Ok(Answer::one([("word", json!(self.probes()?.begin()))])),
            Act::ProbeEnd { word } => self.probe_end(&word),
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> T + Send + 'static,
    ) -> Outcome<T> {
        self.store.read(read).await.map_err(|refusal| refusal.to_string())
    }

    /// Does a durable change, which writes itself into the audit log. `what` names what it is about.
    async fn operate(&self, operation: Operation, what: &str) -> Outcome<Written> {
        let now_ms = clock::wall_ms();
        let key = Key::new(now_ms, clock::random_u128());
        let write = Write::Operate(operation);
        let written = self.store.write(installation_user(), key, now_ms, write).await;
        written.map_err(|refusal| match refusal {
            Refusal::NotFound => format!("there is no such {what}"),
            refusal => refusal.to_string(),
        })
    }

    /// The account that is meant. A handle may look like somebody else's id: then neither is guessed.
    async fn find(&self, who: Who) -> Outcome<OperatorUser> {
        let Who(said) = who;
        let handle = Handle::new(said.strip_prefix('@').unwrap_or(&said)).ok();
        let id = said.parse::<UserId>().ok();
        let (by_handle, by_id) = self
            .read(move |reader| {
                let by_handle = handle.and_then(|handle| reader.user_by_handle(handle.as_str()));
                let of = |id: Option<UserId>| id.and_then(|id| reader.operator_user(id));
                (of(by_handle.map(|user| user.id)), of(id))
            })
            .await?;
        match (by_handle, by_id) {
            (Some(one), Some(other)) if one != other => Err(format!(
                "{said} is the handle of one and the id of another: write @{said}, or the other's handle"
            )),
            (one, other) => one.or(other).ok_or_else(|| format!("there is no user {said}")),
        }
    }

    async fn users_list(&self, after: Option<String>, limit: usize) -> Outcome<Answer> {
        let (after, limit) = (page_after(after)?, page_limit(limit)?);
        let rows = self.read(move |reader| reader.operator_users(after, limit)).await?;
        let next = next(&rows, limit, |row| row.user.id.to_string());
        let columns = ["id", "handle", "name", "rank", "created_at_ms", "seen_at_ms"];
        let table = Table::new(columns, rows.iter().map(user_cells));
        Ok(Answer::List { table, next })
    }

    async fn user_show(&self, who: Who) -> Outcome<Answer> {
        let found = self.find(who).await?;
        let (id, now_ms) = (found.user.id, clock::wall_ms());
        let counts = move |reader: &Reader| {
            (reader.sessions(id, now_ms).len(), reader.operator_room_count(id))
        };
        let (sessions, rooms) = self.read(counts).await?;
        let online = self.app.map(|app| app.online.has(id));
        let [id, handle, name, rank, created, seen] = user_cells(&found);
        Ok(Answer::one([
            ("id", id),
            ("handle", handle),
            ("name", name),
            ("rank", rank),
            ("created_at_ms", created),
            ("seen_at_ms", seen),
            ("online", json!(online)),
            ("sessions", json!(sessions)),
            ("rooms", json!(rooms)),
        ]))
    }

    async fn user_rank(&self, who: Who, rank: &str) -> Outcome<Answer> {
        let rank = Rank::from_name(rank).ok_or("a rank is member, admin or owner")?;
        let UserRow { id: user, handle, .. } = self.find(who).await?.user;
        self.operate(Operation::RankSet { user, rank }, "user").await?;
        Ok(Answer::one([("handle", json!(handle)), ("rank", json!(rank.name()))]))
    }

    async fn user_delete(&self, who: Who) -> Outcome<Answer> {
        let UserRow { id: user, handle, .. } = self.find(who).await?.user;
        self.operate(Operation::UserDelete { user }, "user").await?;
        Ok(Answer::one([("deleted", json!(handle)), ("id", json!(user))]))
    }

    async fn user_reset(&self, who: Who) -> Outcome<Answer> {
        let UserRow { id: user, handle, .. } = self.find(who).await?.user;
        let (secret, token) = token::random_token();
        let expires_at_ms = clock::wall_ms() + RESET_LINK_H * 3_600_000;
        self.operate(Operation::ResetCreate { user, token, expires_at_ms }, "user").await?;
        let link = format!("{}/#reset={secret}", self.config.origin());
        Ok(Answer::one([
            ("handle", json!(handle)),
            ("link", json!(link)),
            ("expires_at_ms", json!(expires_at_ms)),
        ]))
    }

    async fn rooms_list(&self, after: Option<RoomId>, limit: usize) -> Outcome<Answer> {
        let limit = page_limit(limit)?;
        let rows = self.read(move |reader| reader.operator_rooms(after, limit)).await?;
        let next = next(&rows, limit, |row| row.id.to_string());
        let columns = ["id", "kind", "name", "members", "messages", "active_at_ms"];
        let cells = |row: &OperatorRoom| {
            [
                json!(row.id),
                json!(row.kind.name()),
                json!(row.name),
                json!(row.members),
                json!(row.n),
                json!(row.active_at_ms),
            ]
        };
        Ok(Answer::List { table: Table::new(columns, rows.iter().map(cells)), next })
    }

    async fn room_show(&self, room: RoomId) -> Outcome<Answer> {
        let row = self.read(move |reader| reader.operator_room(room)).await?;
        let row = row.ok_or_else(|| format!("there is no room {room}"))?;
        Ok(Answer::one([
            ("id", json!(row.id)),
            ("kind", json!(row.kind.name())),
            ("name", json!(row.name)),
            ("history", json!(row.history.name())),
            ("posting", json!(row.posting.name())),
            ("members", json!(row.members)),
            ("messages", json!(row.n)),
            ("created_at_ms", json!(row.created_at_ms)),
            ("active_at_ms", json!(row.active_at_ms)),
        ]))
    }

    async fn room_members(
        &self,
        room: RoomId,
        after: Option<String>,
        limit: usize,
    ) -> Outcome<Answer> {
        let (after, limit) = (page_after(after)?, page_limit(limit)?);
        let rows = self
            .read(move |reader| {
                reader.operator_room(room).map(|_| reader.operator_members(room, after, limit))
            })
            .await?;
        let rows = rows.ok_or_else(|| format!("there is no room {room}"))?;
        let next = next(&rows, limit, |row| row.user.id.to_string());
        let columns = ["id", "handle", "name", "role", "joined_at_ms"];
        let cells = |row: &MemberRow| {
            let UserRow { id, handle, display_name, .. } = &row.user;
            let (role, joined) = (row.role.name(), row.joined_at_ms);
            [json!(id), json!(handle), json!(display_name), json!(role), json!(joined)]
        };
        Ok(Answer::List { table: Table::new(columns, rows.iter().map(cells)), next })
    }

    async fn sessions_list(&self, who: Who) -> Outcome<Answer> {
        let (user, now_ms) = (self.find(who).await?.user.id, clock::wall_ms());
        let rows = self.read(move |reader| reader.sessions(user, now_ms)).await?;
        let columns = ["id", "label", "created_at_ms", "seen_at_ms"];
        let cells = |row: &SessionRow| {
            [json!(row.id), json!(row.label), json!(row.created_at_ms), json!(row.seen_at_ms)]
        };
        Ok(Answer::list(Table::new(columns, rows.iter().map(cells))))
    }

    async fn session_revoke(&self, session: SessionId) -> Outcome<Answer> {
        self.operate(Operation::SessionRevoke { session }, "session").await?;
        Ok(Answer::one([("revoked", json!(session))]))
    }

    async fn sessions_revoke(&self, who: Who) -> Outcome<Answer> {
        let UserRow { id: user, handle, .. } = self.find(who).await?.user;
        self.operate(Operation::SessionsRevoke { user }, "user").await?;
        Ok(Answer::one([("revoked", json!("all sessions")), ("handle", json!(handle))]))
    }

    async fn invites_list(&self) -> Outcome<Answer> {
        let now_ms = clock::wall_ms();
        let (rows, names) = self
            .read(move |reader| {
                let rows = reader.invites(now_ms);
                let makers: Vec<UserId> = rows.iter().map(|row| row.created_by).collect();
                let names = reader.operator_names(&makers);
                (rows, names)
            })
            .await?;
        let names = Names::of(names);
        let columns = ["code", "made_by", "uses", "uses_left", "created_at_ms", "expires_at_ms"];
        let cells = |row: &InviteRow| {
            [
                json!(row.code),
                names.name(Some(row.created_by)),
                json!(row.uses),
                json!(row.uses_left),
                json!(row.created_at_ms),
                json!(row.expires_at_ms),
            ]
        };
        Ok(Answer::list(Table::new(columns, rows.iter().map(cells))))
    }

    async fn invite_make(&self, uses: u32, days: u32) -> Outcome<Answer> {
        if !(1..=INVITE_DAYS_MAX).contains(&days) {
            return Err(format!("an invite is good for 1 to {INVITE_DAYS_MAX} days"));
        }
        if !(1..=INVITE_USES_MAX).contains(&uses) {
            return Err(format!("an invite is for 1 to {INVITE_USES_MAX} people"));
        }
        let code = new_code();
        let expires_at_ms = clock::wall_ms() + u64::from(days) * DAY_MS;
        let operation = Operation::InviteCreate { code: code.clone(), expires_at_ms, uses };
        self.operate(operation, "invite").await?;
        let link = format!("{}/#invite={code}", self.config.origin());
        Ok(Answer::one([
            ("link", json!(link)),
            ("code", json!(code)),
            ("uses", json!(uses)),
            ("expires_at_ms", json!(expires_at_ms)),
        ]))
    }

    async fn invite_revoke(&self, code: String) -> Outcome<Answer> {
        self.operate(Operation::InviteDelete { code }, "invite").await?;
        Ok(Answer::one([("revoked", json!("invite"))]))
    }

    fn registration(&self) -> Answer {
        let said_by = match (self.config.registration_is_said, self.store.registration()) {
            (true, _) => "the configuration",
            (false, Some(_)) => "chinwag admin",
            (false, None) => "the default",
        };
        let now = app::registration(self.config, self.store);
        Answer::one([("registration", json!(now.name())), ("said_by", json!(said_by))])
    }

    /// Where the configuration says who may register, that is where it is changed.
    async fn registration_set(&self, name: Option<&str>) -> Outcome<Answer> {
        if self.config.registration_is_said {
            return Err("the configuration says who may register (`chinwag config` shows where): \
                        change it there, or take it out there"
                .to_owned());
        }
        let of = |name| Registration::from_name(name).ok_or("it is open, invite or closed");
        let registration = name.map(of).transpose()?;
        self.operate(Operation::RegistrationSet { registration }, "installation").await?;
        Ok(self.registration())
    }

    async fn statistics(&self) -> Outcome<Answer> {
        let now_ms = clock::wall_ms();
        let totals = self.read(move |reader| reader.totals(now_ms)).await?;
        let rooms =
            |kind| totals.rooms.iter().find(|(it, _)| *it == kind).map_or(0, |&(_, count)| count);
        let kept = self.store.statistics();
        Ok(Answer::one([
            ("version", json!(env!("CARGO_PKG_VERSION"))),
            ("running", json!(self.app.is_some())),
            ("listen", json!(self.app.map(|app| app.config.listen))),
            ("connections", json!(self.app.map(|app| app.shards.connections()))),
            ("users", json!(totals.users)),
            ("sessions", json!(totals.sessions)),
            ("invites", json!(totals.invites)),
            ("channels", json!(rooms(RoomKind::Channel))),
            ("groups", json!(rooms(RoomKind::Group))),
            ("direct_rooms", json!(rooms(RoomKind::Direct))),
            ("messages", json!(totals.messages)),
            ("database_bytes", json!(kept.db_bytes)),
            ("wal_bytes", json!(kept.wal_bytes)),
            ("corrupt_rows", json!(kept.rows_corrupt)),
            ("audit_lines", json!(totals.audit_lines)),
        ]))
    }

    fn probes(&self) -> Outcome<&Probes> {
        Ok(&self.app.ok_or("the server does not run")?.probes)
    }

    fn probe_end(&self, word: &str) -> Outcome<Answer> {
        let seen = self.probes()?.end(word).ok_or("it did not arrive")?;
        Ok(Answer::one([
            ("host", json!(seen.host)),
            ("forwarded", json!(seen.forwarded)),
            ("address", json!(seen.address)),
            ("peer", json!(seen.peer)),
        ]))
    }

    async fn audit(&self, before: Option<u64>, limit: usize) -> Outcome<Answer> {
        let limit = page_limit(limit)?;
        let (rows, names) = self
            .read(move |reader| {
                let rows = reader.audit(before, limit);
                let named = rows.iter().flat_map(|row| [row.actor, row.subject]).flatten();
                let names = reader.operator_names(&named.collect::<Vec<_>>());
                (rows, names)
            })
            .await?;
        let (names, next) = (Names::of(names), next(&rows, limit, |row| row.number.to_string()));
        let columns = ["number", "at_ms", "actor", "act", "subject", "detail"];
        let cells = |row: &AuditRow| {
            let subject = row.subject.map_or(Value::Null, |user| names.name(Some(user)));
            let (actor, act) = (names.name(row.actor), json!(row.act));
            [json!(row.number), json!(row.at_ms), actor, act, subject, json!(row.detail)]
        };
        Ok(Answer::List { table: Table::new(columns, rows.iter().map(cells)), next })
    }
}

/// Handles by id. Who is gone is named by the id.
struct Names(HashMap<UserId, String>);

impl Names {
    fn of(users: Vec<UserRow>) -> Self {
        let named = users.into_iter().filter(|user| !user.handle.is_empty());
        Self(named.map(|user| (user.id, user.handle)).collect())
    }

    fn name(&self, user: Option<UserId>) -> Value {
        match user {
            None => json!("operator"),
            Some(user) if user == installation_user() => json!("operator"),
            Some(user) => self.0.get(&user).map_or_else(|| json!(user), |handle| json!(handle)),
        }
    }
}

fn user_cells(row: &OperatorUser) -> [Value; 6] {
    let UserRow { id, handle, display_name, rank, created_at_ms, .. } = &row.user;
    [
        json!(id),
        json!(handle),
        json!(display_name),
        json!(rank.name()),
        json!(created_at_ms),
        json!(row.seen_at_ms),
    ]
}

fn page_limit(limit: usize) -> Outcome<usize> {
    let good = (1..=OPERATOR_PAGE_MAX).contains(&limit);
    good.then_some(limit).ok_or_else(|| format!("a page has 1 to {OPERATOR_PAGE_MAX} rows"))
}

fn page_after(after: Option<String>) -> Outcome<Option<UserId>> {
    let parse = |id: String| id.parse().map_err(|_| "--after is what a page ended with".to_owned());
    after.map(parse).transpose()
}

/// What gives the next page, where this one is full.
fn next<T>(rows: &[T], limit: usize, of: impl Fn(&T) -> String) -> Option<String> {
    rows.last().filter(|_| rows.len() == limit).map(of)
}

/// A rate in the unit that makes a whole number of it.
fn rate(rate: limit::Rate) -> String {
    let units = [("second", 1.0), ("minute", 60.0), ("hour", 3_600.0)];
    let of = |seconds: f64| rate.per_second * seconds;
    let whole = |(_, seconds): &(&str, f64)| (of(*seconds) - of(*seconds).round()).abs() < 1e-6;
    let (unit, seconds) = units.into_iter().find(whole).unwrap_or(units[0]);
    format!("{}, then {} each {unit}", rate.burst, (of(seconds) * 1e3).round() / 1e3)
}

/// The limits that people meet, as the program has them.
fn limits() -> Answer {
    let rows = [
        ("bytes of a message", json!(limit::TEXT_BYTES_MAX)),
        ("members of a group", json!(limit::GROUP_MEMBERS_MAX)),
        ("members of a channel", json!(limit::CHANNEL_MEMBERS_MAX)),
        ("rooms of a user", json!(limit::ROOMS_PER_USER_MAX)),
        ("sessions of a user", json!(limit::SESSIONS_PER_USER_MAX)),
        ("days that a session lives unused", json!(limit::SESSION_IDLE_DAYS)),
        ("open invites", json!(limit::INVITES_MAX)),
        ("uses of an invite", json!(INVITE_USES_MAX)),
        ("hours that a reset link is good for", json!(RESET_LINK_H)),
        ("connections", json!(limit::CONNECTIONS_MAX)),
        ("messages of a user", json!(rate(limit::SEND_RATE))),
        ("commands of a user", json!(rate(limit::COMMAND_RATE))),
        ("passwords tried for a handle from one network", json!(rate(limit::LOGIN_RATE))),
        ("the same from anywhere", json!(rate(limit::LOGIN_ANYWHERE_RATE))),
        ("requests without a token from one address", json!(rate(limit::ADDRESS_RATE))),
        ("look-ups of handles by a user", json!(rate(limit::LOOKUP_RATE))),
    ];
    let rows = rows.map(|(what, at_most)| [json!(what), at_most]);
    Answer::list(Table::new(["what", "at_most"], rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_in_the_unit_that_fits() {
        assert_eq!(rate(limit::SEND_RATE), "30, then 10 each second");
        assert_eq!(rate(limit::LOGIN_RATE), "10, then 1 each minute");
        assert_eq!(rate(limit::LOGIN_ANYWHERE_RATE), "100, then 100 each hour");
    }
}
