//! Who may do what: one table, one function, and the [`Permit`] that only it can make.
//!
//! The decision needs no more than the facts it is given, so the writer takes it inside its
//! transaction, on what is true at that moment.

use crate::id::{RoomId, UserId};

/// The kind of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// Two users, one room a pair.
    Direct,
    /// Invited members.
    Group,
    /// Listed; anyone may join.
    Channel,
    /// One for each user: notes to oneself, and the log of what concerns this user alone.
    SelfRoom,
}

/// What a member may see of the time before joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum History {
    All,
    SinceJoin,
}

impl History {
    /// Channels are read like a newspaper, groups like a conversation.
    #[must_use]
    pub fn default_of(kind: RoomKind) -> Self {
        match kind {
            RoomKind::Direct | RoomKind::Channel | RoomKind::SelfRoom => Self::All,
            RoomKind::Group => Self::SinceJoin,
        }
    }
}

/// Who may post: everyone who is at least this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Posting {
    Members,
    Admins,
}

/// A member's role, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Reader,
    Member,
    Admin,
    Owner,
}

/// A user's rank in the whole installation, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rank {
    Member,
    Admin,
    Owner,
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    Open,
    Invite,
    Closed,
}

/// The names on the wire and in the database, and back.
macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

named!(RoomKind { Direct = "direct", Group = "group", Channel = "channel", SelfRoom = "self" });
named!(History { All = "all", SinceJoin = "since_join" });
named!(Posting { Members = "members", Admins = "admins" });
named!(Role { Reader = "reader", Member = "member", Admin = "admin", Owner = "owner" });
named!(Rank { Member = "member", Admin = "admin", Owner = "owner" });
named!(Registration { Open = "open", Invite = "invite", Closed = "closed" });

/// Who acts: a user, and the role held in the room at this moment, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    pub user: UserId,
    pub role: Option<Role>,
}

/// What the decision needs to know of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomFacts {
    pub room: RoomId,
    pub kind: RoomKind,
    pub posting: Posting,
}

/// What someone wants to do in a room, with what the decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See the room's name, kind and settings.
    See,
    /// Read its log and timeline, and be told of what is new.
    Read,
    MessageSend,
    /// Erase a message that `author` wrote.
    MessageDelete {
        author: UserId,
    },
    Join,
    /// `last_owner` is true where nobody else of several members owns the room.
    Leave {
        last_owner: bool,
    },
    MemberAdd {
        role: Role,
    },
    MemberRemove {
        role: Role,
    },
    /// Give a member who has the role `from` the role `to`.
    RoleSet {
        from: Role,
        to: Role,
        last_owner: bool,
    },
    Rename,
    /// Change who may post and what of the past is seen.
    SettingsSet,
    ReceiptSet,
    /// Keep what one has begun to write, for one's own devices.
    DraftSet,
    Type,
}

/// Leave to do one action in one room. Only [`authorise`] makes it, and what changes a room asks
/// for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    user: UserId,
    room: RoomId,
    action: Action,
}

impl Permit {
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    #[must_use]
    pub fn room(&self) -> RoomId {
        self.room
    }

    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }
}

/// Why not. What one may not see is not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("there is no such room")]
    NotFound,
    #[error("{0}")]
    Forbidden(&'static str),
}

/// Decides whether `actor` may do `action` in `room`.
pub fn authorise(actor: Actor, room: RoomFacts, action: Action) -> Result<Permit, Denied> {
    use Denied::{Forbidden, NotFound};
    let permit = Permit { user: actor.user, room: room.room, action };
    let Some(role) = actor.role else {
        return match (room.kind, action) {
            (RoomKind::Channel, Action::See | Action::Join) => Ok(permit),
            (RoomKind::Channel, _) => Err(Forbidden("join the channel first")),
            _ => Err(NotFound),
        };
    };
    if let Some(why) = forbidden(actor.user, role, room, action) {
        return Err(Forbidden(why));
    }
    Ok(permit)
}

/// The table for members: the reason against it, or none.
fn forbidden(user: UserId, role: Role, room: RoomFacts, action: Action) -> Option<&'static str> {
    const FIXED: &str = "the members and settings of this kind of room do not change";
    const ADMINS: &str = "only the room's admins and owners may";
    const OWNERS: &str = "only the room's owners may";
    const LAST_OWNER: &str = "make someone else an owner first";
    let fixed = matches!(room.kind, RoomKind::Direct | RoomKind::SelfRoom);
    match action {
        Action::See | Action::Read | Action::ReceiptSet | Action::DraftSet => None,
        Action::Join => Some("you are a member already"),
        Action::MessageSend | Action::Type if role == Role::Reader => {
            Some("you may only read here")
        }
        Action::MessageSend | Action::Type => {
            (room.posting == Posting::Admins && role < Role::Admin).then_some(ADMINS)
        }
        Action::MessageDelete { author } if author == user => None,
        Action::MessageDelete { .. } => {
            (fixed || role < Role::Admin).then_some("only its author or an admin may delete it")
        }
        Action::Leave { .. }
        | Action::MemberAdd { .. }
        | Action::MemberRemove { .. }
        | Action::RoleSet { .. }
        | Action::Rename
        | Action::SettingsSet
            if fixed =>
        {
            Some(FIXED)
        }
        Action::Leave { last_owner } => last_owner.then_some(LAST_OWNER),
        Action::MemberAdd { role: given } if given > Role::Member => {
            (role < Role::Owner).then_some(OWNERS)
        }
        Action::MemberAdd { .. } | Action::Rename => (role < Role::Admin).then_some(ADMINS),
        Action::MemberRemove { role: theirs } => {
            let may = role == Role::Owner || (role == Role::Admin && theirs < Role::Admin);
            (!may).then_some(if role == Role::Admin { OWNERS } else { ADMINS })
        }
        Action::RoleSet { from, to, last_owner } => {
            let ordinary = from < Role::Admin && to < Role::Admin;
            match role {
                Role::Owner if last_owner && to != Role::Owner => Some(LAST_OWNER),
                Role::Owner => None,
                Role::Admin if ordinary => None,
                Role::Admin => Some(OWNERS),
                Role::Member | Role::Reader => Some(ADMINS),
            }
        }
        Action::SettingsSet => (role < Role::Owner).then_some(OWNERS),
    }
}

/// What someone wants to do with the installation as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstallationAction {
    /// Make, list and revoke invites.
    Invite,
    /// See who has a rank above that of a member.
    RankedSee,
    /// Make a link with which `rank` can set a new password.
    ResetLink { rank: Rank },
    /// Give a user the rank `to`. `last_owner` is true where nobody but that user owns the
    /// installation.
    RankSet { to: Rank, last_owner: bool },
}

/// Decides what a rank allows in the whole installation.
pub fn authorise_installation(rank: Rank, action: InstallationAction) -> Result<(), Denied> {
    const ADMINS: &str = "only the installation's owner and admins may";
    let (may, why) = match action {
        InstallationAction::Invite | InstallationAction::RankedSee => (rank >= Rank::Admin, ADMINS),
        InstallationAction::ResetLink { rank: theirs } => {
            (rank == Rank::Owner || (rank == Rank::Admin && theirs == Rank::Member), ADMINS)
        }
        InstallationAction::RankSet { to, last_owner: true } if rank == Rank::Owner => {
            (to == Rank::Owner, "make someone else the installation's owner first")
        }
        InstallationAction::RankSet { .. } => {
            (rank == Rank::Owner, "only the installation's owner may")
        }
    };
    may.then_some(()).ok_or(Denied::Forbidden(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: u64 = 1_800_000_000_000;

    fn decide(kind: RoomKind, posting: Posting, role: Option<Role>, action: Action) -> char {
        let actor = Actor { user: UserId::new(ME, 1), role };
        let facts = RoomFacts { room: RoomId::new(ME, 9), kind, posting };
        match authorise(actor, facts, action) {
            Ok(permit) => {
                assert_eq!(
                    (permit.user(), permit.room(), permit.action()),
                    (actor.user, facts.room, action)
                );
                '+'
            }
            Err(Denied::Forbidden(_)) => '-',
            Err(Denied::NotFound) => '0',
        }
    }

    /// One row an action, with what it gives in a group, a channel and a direct room; the columns
    /// are stranger, reader, member, admin, owner.
    fn table() -> Vec<(Action, &'static str, &'static str, &'static str)> {
        let mine = Action::MessageDelete { author: UserId::new(ME, 1) };
        let theirs = Action::MessageDelete { author: UserId::new(ME, 2) };
        let set = |from, to| Action::RoleSet { from, to, last_owner: false };
        vec![
            // action, group, channel, direct
            (Action::See, "0++++", "+++++", "0++++"),
            (Action::Read, "0++++", "-++++", "0++++"),
            (Action::MessageSend, "0-+++", "--+++", "0-+++"),
            (mine, "0++++", "-++++", "0++++"),
            (theirs, "0--++", "---++", "0----"),
            (Action::Join, "0----", "+----", "0----"),
            (Action::Leave { last_owner: false }, "0++++", "-++++", "0----"),
            (Action::Leave { last_owner: true }, "0----", "-----", "0----"),
            (Action::MemberAdd { role: Role::Member }, "0--++", "---++", "0----"),
            (Action::MemberAdd { role: Role::Admin }, "0---+", "----+", "0----"),
            (Action::MemberRemove { role: Role::Member }, "0--++", "---++", "0----"),
            (Action::MemberRemove { role: Role::Admin }, "0---+", "----+", "0----"),
            (set(Role::Member, Role::Reader), "0--++", "---++", "0----"),
            (set(Role::Member, Role::Admin), "0---+", "----+", "0----"),
            (set(Role::Owner, Role::Member), "0---+", "----+", "0----"),
            (Action::Rename, "0--++", "---++", "0----"),
            (Action::SettingsSet, "0---+", "----+", "0----"),
            (Action::ReceiptSet, "0++++", "-++++", "0++++"),
            (Action::DraftSet, "0++++", "-++++", "0++++"),
            (Action::Type, "0-+++", "--+++", "0-+++"),
        ]
    }

    #[test]
    fn the_table_of_who_may_do_what() {
        let roles =
            [None, Some(Role::Reader), Some(Role::Member), Some(Role::Admin), Some(Role::Owner)];
        for (action, group, channel, direct) in table() {
            for (kind, row) in
                [(RoomKind::Group, group), (RoomKind::Channel, channel), (RoomKind::Direct, direct)]
            {
                let got: String =
                    roles.iter().map(|&r| decide(kind, Posting::Members, r, action)).collect();
                assert_eq!(got, row, "{action:?} in a {kind:?}");
            }
        }
    }

    #[test]
    fn where_admins_post_members_read() {
        for (role, want) in [(Role::Member, '-'), (Role::Admin, '+'), (Role::Owner, '+')] {
            let got = decide(RoomKind::Channel, Posting::Admins, Some(role), Action::MessageSend);
            assert_eq!(got, want, "{role:?}");
        }
    }

    #[test]
    fn the_last_owner_stays_one() {
        let step_down = Action::RoleSet { from: Role::Owner, to: Role::Member, last_owner: true };
        assert_eq!(decide(RoomKind::Group, Posting::Members, Some(Role::Owner), step_down), '-');
    }

    #[test]
    fn a_reset_link_never_reaches_up() {
        let may = |rank, theirs| {
            authorise_installation(rank, InstallationAction::ResetLink { rank: theirs }).is_ok()
        };
        assert!(may(Rank::Owner, Rank::Owner) && may(Rank::Admin, Rank::Member));
        assert!(!may(Rank::Admin, Rank::Admin) && !may(Rank::Admin, Rank::Owner));
        assert!(!may(Rank::Member, Rank::Member));
        assert!(authorise_installation(Rank::Member, InstallationAction::Invite).is_err());
    }

    #[test]
    fn who_governs_is_shown_to_those_who_govern() {
        let may = |rank| authorise_installation(rank, InstallationAction::RankedSee).is_ok();
        assert!(may(Rank::Owner) && may(Rank::Admin) && !may(Rank::Member));
    }

    #[test]
    fn only_an_owner_gives_ranks_and_one_always_stays() {
        let may = |rank, to, last_owner| {
            authorise_installation(rank, InstallationAction::RankSet { to, last_owner }).is_ok()
        };
        for &to in Rank::ALL {
            assert!(may(Rank::Owner, to, false));
            assert_eq!(may(Rank::Owner, to, true), to == Rank::Owner);
            assert!(!may(Rank::Admin, to, false) && !may(Rank::Member, to, false));
        }
    }
}
