//! Random commands, in batches of random sizes, against a small model in memory: the same
//! outcomes, and for each user the same rooms, numbers, members and unread counts.

use std::collections::BTreeMap;

use chinwag_core::access::{
    Action, Actor, History, Permit, Posting, Role, RoomFacts, RoomKind, authorise,
};
use chinwag_core::event::EventKind;
use chinwag_core::id::{RoomId, Seq, UserId};
use chinwag_store::write::{Write, Written};
use chinwag_store::{Pace, verify};
use proptest::prelude::*;

use super::world::{Outcome, World, body};

const USERS: usize = 4;
const ROOMS: usize = 3;

#[derive(Debug, Clone)]
enum Command {
    Send { user: usize, room: usize },
    Delete { user: usize, room: usize, back: u64 },
    Join { user: usize, room: usize },
    Leave { user: usize, room: usize },
    Put { user: usize, room: usize, whom: usize, role: Role },
    Remove { user: usize, room: usize, whom: usize },
    Read { user: usize, room: usize, back: u64 },
    History { user: usize, room: usize, history: History },
    Post { user: usize, room: usize, posting: Posting },
}

fn command() -> impl Strategy<Value = Command> {
    let (user, room, back) = (0..USERS, 0..ROOMS, 0..6_u64);
    let role = prop::sample::select(Role::ALL);
    let history = prop::sample::select(History::ALL);
    let posting = prop::sample::select(Posting::ALL);
    let at = (user.clone(), room);
    prop_oneof![
        6 => at.clone().prop_map(|(user, room)| Command::Send { user, room }),
        2 => (at.clone(), back.clone())
            .prop_map(|((user, room), back)| Command::Delete { user, room, back }),
        2 => at.clone().prop_map(|(user, room)| Command::Join { user, room }),
        2 => at.clone().prop_map(|(user, room)| Command::Leave { user, room }),
        3 => (at.clone(), user.clone(), role)
            .prop_map(|((user, room), whom, role)| Command::Put { user, room, whom, role }),
        1 => (at.clone(), user)
            .prop_map(|((user, room), whom)| Command::Remove { user, room, whom }),
        3 => (at.clone(), back)
            .prop_map(|((user, room), back)| Command::Read { user, room, back }),
        1 => (at.clone(), history)
            .prop_map(|((user, room), history)| Command::History { user, room, history }),
        1 => (at, posting).prop_map(|((user, room), posting)| Command::Post { user, room, posting }),
    ]
}

#[derive(Debug, Clone, Copy)]
struct Member {
    role: Role,
    join: u64,
    read_n: u64,
    read: u64,
}

/// A room of the model: its log is the kinds of its events, with an author and whether it is erased.
#[derive(Debug)]
struct Room {
    id: RoomId,
    kind: RoomKind,
    history: History,
    posting: Posting,
    log: Vec<(EventKind, usize, bool)>,
    members: BTreeMap<usize, Member>,
}

impl Room {
    fn head(&self) -> u64 {
        self.log.len() as u64
    }

    fn n_at(&self, seq: u64) -> u64 {
        let messages = self.log.iter().take(seq as usize);
        messages.filter(|event| event.0 == EventKind::Message).count() as u64
    }

    fn append(&mut self, kind: EventKind, from: usize) -> u64 {
        self.log.push((kind, from, false));
        self.head()
    }

    fn join(&mut self, users: &[UserId], whom: usize, role: Role, from: usize) {
        let join = self.append(EventKind::MemberJoined { user: users[whom] }, from);
        let read_n = self.n_at(join);
        self.members.insert(whom, Member { role, join, read_n, read: join });
    }

    fn only_owner(&self, whom: usize) -> bool {
        self.members.iter().all(|(user, member)| *user == whom || member.role != Role::Owner)
    }

    fn floor(&self, user: usize) -> u64 {
        match self.history {
            History::All => 1,
            History::SinceJoin => self.members[&user].join.max(1),
        }
    }
}

struct Model {
    users: Vec<UserId>,
    rooms: Vec<Room>,
}

/// What a command comes to: an event, nothing new, or a refusal.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Event(u64),
    Unchanged,
    Refused,
}

impl Model {
    fn may(&self, user: usize, room: usize, action: Action) -> Option<Permit> {
        let room = &self.rooms[room];
        let role = room.members.get(&user).map(|member| member.role);
        let facts = RoomFacts { room: room.id, kind: room.kind, posting: room.posting };
        authorise(Actor { user: self.users[user], role }, facts, action).ok()
    }

    /// What the command is as a write.
    fn write(&self, command: &Command) -> (UserId, Write) {
        let id = |room: usize| self.rooms[room].id;
        let seq =
            |room: usize, back: u64| Seq::new((self.rooms[room].head() + 1).saturating_sub(back));
        let settings = |room, history, posting| {
            let body = r#"{"changed":true}"#.into();
            Write::RoomUpdate { room: id(room), name: None, history, posting, body }
        };
        let (user, write) = match *command {
            Command::Send { user, room } => {
                (user, Write::MessageSend { room: id(room), body: body("x") })
            }
            Command::Delete { user, room, back } => {
                (user, Write::MessageDelete { room: id(room), target: seq(room, back) })
            }
            Command::Join { user, room } => (user, Write::RoomJoin { room: id(room) }),
            Command::Leave { user, room } => (user, Write::RoomLeave { room: id(room) }),
            Command::Put { user, room, whom, role } => {
                (user, Write::MemberPut { room: id(room), user: self.users[whom], role })
            }
            Command::Remove { user, room, whom } => {
                (user, Write::MemberRemove { room: id(room), user: self.users[whom] })
            }
            Command::Read { user, room, back } => (
                user,
                Write::ReceiptSet { room: id(room), read: Some(seq(room, back)), delivered: None },
            ),
            Command::History { user, room, history } => (user, settings(room, Some(history), None)),
            Command::Post { user, room, posting } => (user, settings(room, None, Some(posting))),
        };
        (self.users[user], write)
    }

    fn apply(&mut self, command: &Command) -> Came {
        self.try_apply(command).unwrap_or(Came::Refused)
    }

    fn try_apply(&mut self, command: &Command) -> Option<Came> {
        match *command {
            Command::Send { user, room } => {
                let _: Permit = self.may(user, room, Action::MessageSend)?;
                let room = &mut self.rooms[room];
                let read = room.append(EventKind::Message, user);
                let read_n = room.n_at(read);
                let member = room.members.get_mut(&user)?;
                (member.read, member.read_n) = (read, read_n);
                Some(Came::Event(read))
            }
            Command::Delete { user, room, back } => self.delete(user, room, back),
            Command::Join { user, room } => {
                let _: Permit = self.may(user, room, Action::Join)?;
                let here = &mut self.rooms[room];
                let role = if here.members.is_empty() { Role::Owner } else { Role::Member };
                here.join(&self.users, user, role, user);
                Some(Came::Event(self.rooms[room].head()))
            }
            Command::Leave { user, room } => self.leave(user, room),
            Command::Put { user, room, whom, role } => self.put(user, room, whom, role),
            Command::Remove { user, room, whom } if user == whom => self.leave(user, room),
            Command::Remove { user, room, whom } => {
                let _: Permit = self.may(user, room, Action::Read)?;
                let role = self.rooms[room].members.get(&whom)?.role;
                let _: Permit = self.may(user, room, Action::MemberRemove { role })?;
                Some(self.end(user, room, whom))
            }
            Command::Read { user, room, back } => self.read(user, room, back),
            Command::History { user, room, history } => {
                let _: Permit = self.may(user, room, Action::SettingsSet)?;
                let changed = std::mem::replace(&mut self.rooms[room].history, history) != history;
                Some(self.updated(user, room, changed))
            }
            Command::Post { user, room, posting } => {
                let _: Permit = self.may(user, room, Action::SettingsSet)?;
                let changed = std::mem::replace(&mut self.rooms[room].posting, posting) != posting;
                Some(self.updated(user, room, changed))
            }
        }
    }

    fn updated(&mut self, user: usize, room: usize, changed: bool) -> Came {
        if !changed {
            return Came::Unchanged;
        }
        Came::Event(self.rooms[room].append(EventKind::RoomUpdated, user))
    }

    fn delete(&mut self, user: usize, room: usize, back: u64) -> Option<Came> {
        let target = (self.rooms[room].head() + 1).saturating_sub(back);
        let _: Permit = self.may(user, room, Action::Read)?;
        let here = &self.rooms[room];
        let place = usize::try_from(target.checked_sub(1)?).ok()?;
        let (kind, author, erased) = *here.log.get(place)?;
        if kind != EventKind::Message || target < here.floor(user) {
            return None;
        }
        let author = self.users[author];
        let _: Permit = self.may(user, room, Action::MessageDelete { author })?;
        if erased {
            return Some(Came::Unchanged);
        }
        self.rooms[room].log[place].2 = true;
        let kind = EventKind::Deletion { target: Seq::new(target) };
        Some(Came::Event(self.rooms[room].append(kind, user)))
    }

    fn leave(&mut self, user: usize, room: usize) -> Option<Came> {
        let here = &self.rooms[room];
        let owner = here.members.get(&user).is_some_and(|member| member.role == Role::Owner);
        let last_owner = owner && here.members.len() > 1 && here.only_owner(user);
        let _: Permit = self.may(user, room, Action::Leave { last_owner })?;
        Some(self.end(user, room, user))
    }

    fn end(&mut self, user: usize, room: usize, whom: usize) -> Came {
        self.rooms[room].members.remove(&whom);
        let kind = EventKind::MemberLeft { user: self.users[whom] };
        Came::Event(self.rooms[room].append(kind, user))
    }

    fn put(&mut self, user: usize, room: usize, whom: usize, role: Role) -> Option<Came> {
        let Some(from) = self.rooms[room].members.get(&whom).map(|member| member.role) else {
            let _: Permit = self.may(user, room, Action::MemberAdd { role })?;
            self.rooms[room].join(&self.users, whom, role, user);
            return Some(Came::Event(self.rooms[room].head()));
        };
        let last_owner = from == Role::Owner && self.rooms[room].only_owner(whom);
        let _: Permit = self.may(user, room, Action::RoleSet { from, to: role, last_owner })?;
        if from == role {
            return Some(Came::Unchanged);
        }
        self.rooms[room].members.get_mut(&whom)?.role = role;
        let kind = EventKind::MemberRole { user: self.users[whom] };
        Some(Came::Event(self.rooms[room].append(kind, user)))
    }

    fn read(&mut self, user: usize, room: usize, back: u64) -> Option<Came> {
        let _: Permit = self.may(user, room, Action::ReceiptSet)?;
        let room = &mut self.rooms[room];
        let read = (room.head() + 1).saturating_sub(back).min(room.head());
        let read_n = room.n_at(read);
        let member = room.members.get_mut(&user)?;
        if read <= member.read {
            return Some(Came::Unchanged);
        }
        (member.read, member.read_n) = (read, read_n.max(member.read_n));
        Some(Came::Event(0))
    }
}

fn came(outcome: &Outcome) -> Came {
    match outcome {
        Ok(Written::Event { event, .. }) if matches!(event.kind, EventKind::RoomRead { .. }) => {
            Came::Event(0)
        }
        Ok(Written::Event { event, .. }) => Came::Event(event.seq.get()),
        Ok(Written::Unchanged) => Came::Unchanged,
        Err(_) => Came::Refused,
        other => panic!("not of these commands: {other:?}"),
    }
}

fn begin(world: &World) -> Model {
    let users = world.users(["ann", "bob", "cleo", "dan"]).to_vec();
    let kinds = [RoomKind::Group, RoomKind::Channel, RoomKind::Direct];
    let rooms = kinds.map(|kind| {
        let id = world.room(kind, users[0], &[users[1]]);
        let history = History::default_of(kind);
        let log = vec![(EventKind::RoomCreated, 0, false)];
        let (posting, members) = (Posting::Members, BTreeMap::new());
        let mut room = Room { id, kind, history, posting, log, members };
        let first = if kind == RoomKind::Direct { Role::Member } else { Role::Owner };
        room.join(&users, 0, first, 0);
        // The founder sees the founding, which is the first event.
        room.members.entry(0).and_modify(|founder| founder.join = 1);
        room.join(&users, 1, Role::Member, 0);
        room
    });
    Model { users, rooms: rooms.into() }
}

fn check_views(world: &World, model: &Model) {
    for room in &model.rooms {
        assert_eq!(world.head(room.id).get(), room.head());
        for (place, &user) in model.users.iter().enumerate() {
            let Some(member) = room.members.get(&place) else {
                assert!(world.log(user, room.id).is_err());
                continue;
            };
            let row = world.row(user, room.id).expect("a member sees the room");
            let mine = (row.role, row.members, row.n, row.read_n, row.read_seq.get());
            let count = room.members.len() as u64;
            let n = room.n_at(room.head());
            assert_eq!(mine, (Some(member.role), count, n, member.read_n, member.read));
            check_log(world, room, place, user);
        }
    }
}

fn check_log(world: &World, room: &Room, place: usize, user: UserId) {
    let floor = room.floor(place);
    let log = world.log(user, room.id).expect("a member reads the room");
    let seen: Vec<_> = log.iter().map(|e| (e.seq.get(), e.kind, e.body.is_none())).collect();
    let numbered = (1..).zip(&room.log).map(|(seq, (kind, _, erased))| (seq, *kind, *erased));
    let expected: Vec<_> = numbered.filter(|(seq, ..)| *seq >= floor).collect();
    assert_eq!(seen, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_commands_come_to_what_the_model_says(
        batches in prop::collection::vec(prop::collection::vec(command(), 1..16), 1..8),
    ) {
        let world = super::open();
        let mut model = begin(&world);
        for batch in batches {
            let (mut writes, mut expected) = (Vec::new(), Vec::new());
            for command in &batch {
                let (user, write) = model.write(command);
                writes.push((user, world.key(), write));
                expected.push(model.apply(command));
            }
            let outcomes: Vec<Came> = world.together(writes).iter().map(came).collect();
            prop_assert_eq!(&outcomes, &expected, "{:?}", batch);
            check_views(&world, &model);
        }
        check_views(&world.after_crash(), &model);
        prop_assert_eq!(world.store().statistics().rows_corrupt, 0);
        let verified = verify::folder(world.folder(), &mut Pace::new(0)).expect("it can be read");
        prop_assert_eq!(verified.findings, []);
    }
}
