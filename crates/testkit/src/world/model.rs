//! The log and the tables as the contract has them, in memory and without a disk: what is true once
//! a commit is through. Rights are decided by the core's own table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chinwag_core::access::authorise;
use chinwag_core::access::{Action, Actor, Denied, History, Posting, Role, RoomFacts, RoomKind};
use chinwag_core::body;
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{Key, RoomId, Seq, UserId};
use chinwag_core::receipt::{Marks, Receipts};
use chinwag_proto::code::ErrorCode;

use super::bug::Bug;

/// A change that someone asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Send { room: RoomId, body: Arc<str> },
    Delete { room: RoomId, target: Seq },
    Read { room: RoomId, seq: Seq },
    Draft { room: RoomId, text: String },
    Create { room: RoomId, kind: RoomKind, members: Vec<UserId> },
    Join { room: RoomId },
    Leave { room: RoomId },
    Add { room: RoomId, user: UserId },
    Remove { room: RoomId, user: UserId },
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// An event was appended, or was before by the same key.
    Event {
        event: Arc<Event>,
        repeated: bool,
    },
    Unchanged,
    Room(RoomId),
    Refused(ErrorCode),
}

#[derive(Debug, Clone)]
pub(super) struct Membership {
    pub role: Role,
    pub join_seq: Seq,
    pub delivered_seq: Seq,
    pub read_seq: Seq,
    pub read_n: u64,
    /// What is begun to be written, and where the `self` room says so last.
    pub draft: Option<String>,
    pub draft_seq: Option<Seq>,
}

impl Membership {
    /// Who joins has read all.
    fn new(role: Role, join_seq: Seq, read_n: u64) -> Self {
        let (delivered_seq, read_seq) = (join_seq, join_seq);
        Self { role, join_seq, delivered_seq, read_seq, read_n, draft: None, draft_seq: None }
    }
}

#[derive(Debug, Clone)]
pub(super) struct RoomState {
    pub kind: RoomKind,
    pub history: History,
    pub events: Vec<Event>,
    pub head: Seq,
    pub n: u64,
    pub members: BTreeMap<UserId, Membership>,
}

/// A key's command, without what its door drew at random, and what it came to.
#[derive(Debug, Clone)]
struct Known {
    command: Command,
    outcome: Outcome,
    /// The node and its start that took it.
    taken_by: (usize, u32),
}

/// All that is true. See the module.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub rooms: BTreeMap<RoomId, RoomState>,
    keys: BTreeMap<(RoomId, UserId, Key), Known>,
    /// Those who have switched read receipts off.
    pub quiet: BTreeSet<UserId>,
    pub bug: Option<Bug>,
}

/// Who asks, when, by which node, and with which key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker {
    pub user: UserId,
    pub key: Key,
    pub at_ms: u64,
    pub node: (usize, u32),
    /// Only a planted bug looks at what was right when the command came.
    pub was_allowed: bool,
}

type Made = Vec<Arc<Event>>;

impl Model {
    pub(super) fn new(bug: Option<Bug>) -> Self {
        Self { rooms: BTreeMap::new(), keys: BTreeMap::new(), quiet: BTreeSet::new(), bug }
    }

    /// A new user with a `self` room.
    pub(super) fn user_add(&mut self, user: UserId) {
        let membership = Membership::new(Role::Owner, Seq::ZERO, 0);
        let room = RoomState {
            kind: RoomKind::SelfRoom,
            history: History::All,
            events: Vec::new(),
            head: Seq::ZERO,
            n: 0,
            members: BTreeMap::from([(user, membership)]),
        };
        self.rooms.insert(RoomId::of_self(user), room);
    }

    /// Decides one command and does it. The events are in the order in which they are told.
    pub(super) fn write(&mut self, by: Asker, command: &Command) -> (Outcome, Made) {
        let mut made = Vec::new();
        let scope = match *command {
            Command::Create { .. } | Command::Draft { .. } => RoomId::of_self(by.user),
            Command::Send { room, .. }
            | Command::Delete { room, .. }
            | Command::Read { room, .. }
            | Command::Join { room }
            | Command::Leave { room }
            | Command::Add { room, .. }
            | Command::Remove { room, .. } => room,
        };
        if let Some(outcome) = self.known(scope, by, command) {
            return (outcome, made);
        }
        let outcome = self.decide(by, command, &mut made).unwrap_or_else(Outcome::Refused);
        let keyed = !matches!(command, Command::Read { .. });
        if keyed && matches!(outcome, Outcome::Event { .. } | Outcome::Room(_)) {
            let command = without_chance(command);
            let known = Known { command, outcome: outcome.clone(), taken_by: by.node };
            self.keys.insert((scope, by.user, by.key), known);
        }
        (outcome, made)
    }

    /// The first answer, where the key was used before.
    fn known(&self, scope: RoomId, by: Asker, command: &Command) -> Option<Outcome> {
        let known = self.keys.get(&(scope, by.user, by.key))?;
        if self.bug == Some(Bug::DedupeInMemory) && known.taken_by != by.node {
            return None;
        }
        if known.command != without_chance(command) && self.bug != Some(Bug::KeyWithoutBody) {
            return Some(Outcome::Refused(ErrorCode::KeyConflict));
        }
        Some(match &known.outcome {
            Outcome::Event { event, .. } => {
                Outcome::Event { event: Arc::clone(event), repeated: true }
            }
            other => other.clone(),
        })
    }

    fn decide(
        &mut self,
        by: Asker,
        command: &Command,
        made: &mut Made,
    ) -> Result<Outcome, ErrorCode> {
        match command {
            Command::Send { room, body } => self.send(by, *room, body, made),
            &Command::Delete { room, target } => self.delete(by, room, target, made),
            &Command::Read { room, seq } => self.read(by, room, seq, made),
            Command::Draft { room, text } => self.draft(by, *room, text, made),
            Command::Create { room, kind, members } => self.create(by, *room, *kind, members, made),
            &Command::Join { room } => {
                self.may(by, room, Action::Join)?;
                let empty = self.rooms.get(&room).is_some_and(|state| state.members.is_empty());
                let role = if empty { Role::Owner } else { Role::Member };
                Ok(self.member_add(by, room, by.user, role, made))
            }
            &Command::Leave { room } => {
                let last_owner = self.is_last_owner(room, by.user);
                self.may(by, room, Action::Leave { last_owner })?;
                Ok(self.member_remove(by, room, by.user, made))
            }
            &Command::Add { room, user } => {
                self.may(by, room, Action::MemberAdd { role: Role::Member })?;
                if self.role(room, user).is_some() {
                    return Ok(Outcome::Unchanged);
                }
                Ok(self.member_add(by, room, user, Role::Member, made))
            }
            &Command::Remove { room, user } => {
                let role = self.role(room, user).ok_or(ErrorCode::NotFound)?;
                self.may(by, room, Action::MemberRemove { role })?;
                Ok(self.member_remove(by, room, user, made))
            }
        }
    }

    fn send(
        &mut self,
        by: Asker,
        room: RoomId,
        body: &Arc<str>,
        made: &mut Made,
    ) -> Result<Outcome, ErrorCode> {
        self.may(by, room, Action::MessageSend)?;
        let event = self.append(by, room, EventKind::Message, Some(Arc::clone(body)), made);
        if self.bug != Some(Bug::OwnSendUnread)
            && let Some(member) = self.member_mut(room, by.user)
        {
            member.read_seq = event.seq;
            member.read_n = event.n.unwrap_or_default();
        }
        Ok(Outcome::Event { event, repeated: false })
    }

    fn delete(
        &mut self,
        by: Asker,
        room: RoomId,
        target: Seq,
        made: &mut Made,
    ) -> Result<Outcome, ErrorCode> {
        let found = self.visible_from(room, by.user).filter(|&from| target >= from);
        let state = found.and_then(|_| self.rooms.get(&room)).ok_or(ErrorCode::NotFound)?;
        let place = state.events.iter().position(|event| event.seq == target);
        let message = place.map(|place| &state.events[place]);
        let message = message.filter(|event| event.kind == EventKind::Message);
        let (Some(place), Some(message)) = (place, message) else {
            return Err(ErrorCode::NotFound);
        };
        let erased = message.body.is_none();
        self.may(by, room, Action::MessageDelete { author: message.from })?;
        if erased {
            return Ok(Outcome::Unchanged);
        }
        let kind = EventKind::Deletion { target };
        let event = self.append(by, room, kind, Some(body::deletion(target)), made);
        let bug = self.bug;
        let Some(state) = self.rooms.get_mut(&room) else {
            return Err(ErrorCode::NotFound);
        };
        let message = &mut state.events[place];
        message.rev = Some(event.seq);
        if bug != Some(Bug::DeletionKeepsBody) {
            message.body = None;
        }
        if bug == Some(Bug::DeletionUncounts) {
            state.n -= 1;
        }
        Ok(Outcome::Event { event, repeated: false })
    }

    /// A mark of delivery that a node gathered; of who is no member (any more) it is nothing.
    pub(super) fn delivered(&mut self, room: RoomId, user: UserId, seq: Seq) {
        let ahead = self.bug == Some(Bug::DeliveredToHead);
        let Some(state) = self.rooms.get_mut(&room) else {
            return;
        };
        let seq = if ahead { state.head } else { seq.min(state.head) };
        if let Some(member) = state.members.get_mut(&user) {
            member.delivered_seq = member.delivered_seq.max(seq);
        }
    }

    /// How far all in a room have come, by the core's own rule.
    pub(super) fn receipts(&self, room: RoomId) -> Receipts {
        let Some(state) = self.rooms.get(&room).filter(|state| state.kind != RoomKind::SelfRoom)
        else {
            return Receipts::default();
        };
        let marks = state.members.iter().map(|(user, member)| Marks {
            join: match self.bug {
                Some(Bug::ReceiptOfNobody) => Seq::ZERO.next(),
                _ => member.join_seq,
            },
            delivered: member.delivered_seq.max(member.read_seq),
            read: member.read_seq,
            shares_read: !self.quiet.contains(user),
        });
        Receipts::of(marks)
    }

    /// The same as one of the room sees it.
    pub(super) fn receipts_for(&self, user: UserId, room: RoomId) -> Receipts {
        let receipts = self.receipts(room);
        if self.quiet.contains(&user) { receipts.without_read() } else { receipts }
    }

    fn read(
        &mut self,
        by: Asker,
        room: RoomId,
        seq: Seq,
        made: &mut Made,
    ) -> Result<Outcome, ErrorCode> {
        self.may(by, room, Action::ReceiptSet)?;
        let back = self.bug == Some(Bug::ReadMarkBack);
        let state = self.rooms.get_mut(&room).ok_or(ErrorCode::NotFound)?;
        let seq = seq.min(state.head);
        let n =
            state.events.iter().rev().filter(|event| event.seq <= seq).find_map(|event| event.n);
        let member = state.members.get_mut(&by.user).ok_or(ErrorCode::NotFound)?;
        if seq == member.read_seq || (seq < member.read_seq && !back) {
            return Ok(Outcome::Unchanged);
        }
        let before = member.read_n;
        member.read_seq = seq;
        member.read_n = if back { n.unwrap_or(0) } else { n.unwrap_or(0).max(before) };
        let body = body::room_read(room, seq, member.read_n);
        let own = RoomId::of_self(by.user);
        if room == own {
            return Ok(Outcome::Unchanged);
        }
        let event = self.append(by, own, EventKind::RoomRead { room }, Some(body), made);
        Ok(Outcome::Event { event, repeated: false })
    }

    fn draft(
        &mut self,
        by: Asker,
        room: RoomId,
        text: &str,
        made: &mut Made,
    ) -> Result<Outcome, ErrorCode> {
        self.may(by, room, Action::DraftSet)?;
        let text = Some(text.to_owned()).filter(|text| !text.is_empty());
        let before = self.member_mut(room, by.user).ok_or(ErrorCode::NotFound)?;
        if before.draft == text {
            return Ok(Outcome::Unchanged);
        }
        let body = serde_json::json!({ "room": room, "text": text.as_deref().unwrap_or_default() });
        let (kind, body) = (EventKind::Draft { room }, Some(body.to_string().into()));
        let event = self.append(by, RoomId::of_self(by.user), kind, body, made);
        if let Some(member) = self.member_mut(room, by.user) {
            member.draft = text;
            let told = member.draft_seq.replace(event.seq);
            self.draft_erase(by.user, told, event.seq);
        }
        Ok(Outcome::Event { event, repeated: false })
    }

    /// Erases what the user's own log tells of a draft that the event `by` superseded.
    fn draft_erase(&mut self, user: UserId, told: Option<Seq>, by: Seq) {
        if self.bug == Some(Bug::DraftHistory) {
            return;
        }
        let own = self.rooms.get_mut(&RoomId::of_self(user));
        let Some((told, own)) = told.zip(own) else {
            return;
        };
        for event in own.events.iter_mut().filter(|event| event.seq == told) {
            (event.body, event.rev) = (None, Some(by));
        }
    }

    fn create(
        &mut self,
        by: Asker,
        room: RoomId,
        kind: RoomKind,
        members: &[UserId],
        made: &mut Made,
    ) -> Result<Outcome, ErrorCode> {
        let state = RoomState {
            kind,
            history: History::default_of(kind),
            events: Vec::new(),
            head: Seq::ZERO,
            n: 0,
            members: BTreeMap::new(),
        };
        self.rooms.insert(room, state);
        let own = RoomId::of_self(by.user);
        self.append(by, own, EventKind::RoomAdded { room }, Some(body::room(room)), made);
        self.append(by, room, EventKind::RoomCreated, Some("{}".into()), made);
        self.enter(by, room, by.user, Role::Owner, made);
        // The founder sees the founding, which is the first event.
        if let Some(founder) = self.member_mut(room, by.user) {
            founder.join_seq = Seq::ZERO.next();
        }
        for &member in members {
            self.member_add(by, room, member, Role::Member, made);
        }
        Ok(Outcome::Room(room))
    }

    /// The user's own log knows of the room before the room knows of the user.
    fn member_add(
        &mut self,
        by: Asker,
        room: RoomId,
        user: UserId,
        role: Role,
        made: &mut Made,
    ) -> Outcome {
        let own = RoomId::of_self(user);
        self.append(by, own, EventKind::RoomAdded { room }, Some(body::room(room)), made);
        Outcome::Event { event: self.enter(by, room, user, role, made), repeated: false }
    }

    fn enter(
        &mut self,
        by: Asker,
        room: RoomId,
        user: UserId,
        role: Role,
        made: &mut Made,
    ) -> Arc<Event> {
        let kind = EventKind::MemberJoined { user };
        let event = self.append(by, room, kind, Some(body::member(user, role)), made);
        if let Some(state) = self.rooms.get_mut(&room) {
            state.members.insert(user, Membership::new(role, event.seq, state.n));
        }
        event
    }

    fn member_remove(&mut self, by: Asker, room: RoomId, user: UserId, made: &mut Made) -> Outcome {
        let kind = EventKind::MemberLeft { user };
        let event = self.append(by, room, kind, Some(body::member_left(user)), made);
        let state = self.rooms.get_mut(&room);
        let member = state.and_then(|state| state.members.remove(&user));
        let (own, kind) = (RoomId::of_self(user), EventKind::RoomRemoved { room });
        let removed = self.append(by, own, kind, Some(body::room(room)), made);
        self.draft_erase(user, member.and_then(|member| member.draft_seq), removed.seq);
        Outcome::Event { event, repeated: false }
    }

    fn append(
        &mut self,
        by: Asker,
        room: RoomId,
        kind: EventKind,
        body: Option<Arc<str>>,
        made: &mut Made,
    ) -> Arc<Event> {
        let state = self.rooms.get_mut(&room).expect("events are appended to rooms that exist");
        state.head = state.head.next();
        state.n += u64::from(kind == EventKind::Message);
        let at_ms = state.events.last().map_or(by.at_ms, |last| last.at_ms.max(by.at_ms));
        let n = (kind == EventKind::Message).then_some(state.n);
        let (seq, from, key) = (state.head, by.user, Some(by.key));
        let event = Event { room, seq, n, kind, from, at_ms, key, rev: None, body };
        state.events.push(event.clone());
        let event = Arc::new(event);
        made.push(Arc::clone(&event));
        event
    }

    /// Asks the core's table.
    fn may(&self, by: Asker, room: RoomId, action: Action) -> Result<(), ErrorCode> {
        if self.bug == Some(Bug::StaleRights) && by.was_allowed && self.rooms.contains_key(&room) {
            return Ok(());
        }
        let state = self.rooms.get(&room).ok_or(ErrorCode::NotFound)?;
        let facts = RoomFacts { room, kind: state.kind, posting: Posting::Members };
        let actor = Actor { user: by.user, role: self.role(room, by.user) };
        match authorise(actor, facts, action) {
            Ok(permit) if permit.room() == room => Ok(()),
            Ok(_) | Err(Denied::NotFound) => Err(ErrorCode::NotFound),
            Err(Denied::Forbidden(_)) => Err(ErrorCode::Forbidden),
        }
    }

    pub(super) fn role(&self, room: RoomId, user: UserId) -> Option<Role> {
        Some(self.rooms.get(&room)?.members.get(&user)?.role)
    }

    fn member_mut(&mut self, room: RoomId, user: UserId) -> Option<&mut Membership> {
        self.rooms.get_mut(&room)?.members.get_mut(&user)
    }

    fn is_last_owner(&self, room: RoomId, user: UserId) -> bool {
        let Some(state) = self.rooms.get(&room) else {
            return false;
        };
        let owns = |member: &Membership| member.role == Role::Owner;
        let others = state.members.iter().any(|(&other, member)| other != user && owns(member));
        state.members.get(&user).is_some_and(owns) && !others && state.members.len() > 1
    }

    /// From which event on a member sees the room.
    pub(super) fn visible_from(&self, room: RoomId, user: UserId) -> Option<Seq> {
        let state = self.rooms.get(&room)?;
        let member = state.members.get(&user)?;
        let leak = self.bug == Some(Bug::HistoryLeak);
        let all = state.history == History::All || leak;
        Some(if all { Seq::ZERO } else { member.join_seq })
    }
}

/// The command without the id that its door drew, which is another at each try.
fn without_chance(command: &Command) -> Command {
    match command {
        Command::Create { kind, members, .. } => {
            Command::Create { room: RoomId::from_i64(0), kind: *kind, members: members.clone() }
        }
        other => other.clone(),
    }
}
