//! One room's log, event by event.

use chinwag_core::access::Role;
use chinwag_core::event::{EventKind, EventRow};
use chinwag_core::id::{RoomId, Seq, UserId};
use foldhash::HashMap;
use rusqlite::{Result, Row};

use super::Scene;
use super::members::Mark;
use crate::sqlite::row::{self, Found};
use crate::sqlite::verify::Findings;
use crate::verify::What;

/// A membership as the log tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// None where the event that says so is spoiled.
    pub(super) role: Option<Role>,
    pub(super) first: Seq,
    pub(super) join: Seq,
    pub(super) joined_at_ms: u64,
    pub(super) left: Option<Seq>,
    /// How far the member has read at least: the last joining, and the last message of one's own.
    pub(super) read: Seq,
}

/// Where the walk is, and what it has seen.
pub(super) struct Walk<'m> {
    room: RoomId,
    pub(super) events: u64,
    pub(super) seq: Seq,
    pub(super) n: u64,
    pub(super) at_ms: u64,
    /// The newest in the timeline, and its time.
    pub(super) last: Option<(Seq, u64)>,
    pub(super) members: HashMap<UserId, Member>,
    founder: Option<UserId>,
    /// Messages without a body, each with the change that says why.
    bodiless: HashMap<Seq, Seq>,
    deletions: HashMap<Seq, Seq>,
    /// Read marks that lie ahead, ascending.
    marks: &'m [Mark],
}

impl<'m> Walk<'m> {
    pub(super) fn new(room: RoomId, marks: &'m [Mark]) -> Self {
        Self {
            room,
            events: 0,
            seq: Seq::ZERO,
            n: 0,
            at_ms: 0,
            last: None,
            members: HashMap::default(),
            founder: None,
            bodiless: HashMap::default(),
            deletions: HashMap::default(),
            marks,
        }
    }

    /// Takes the next row of the log.
    pub(super) fn step(&mut self, row: &Row<'_>, scene: &mut Scene<'_>) -> Result<()> {
        let seq = Seq::from_i64(row.get(1)?);
        let place = (self.room, seq);
        self.pass_marks(seq, scene.findings);
        if seq != self.seq.next() {
            let why = format!("it follows {}", self.seq);
            scene.findings.add(What::Gap, place, why);
        }
        (self.seq, self.events) = (seq, self.events + 1);
        let event = match row::found(row, 0)? {
            Found::Sound(event) => {
                if event.body.is_none() && event.rev.is_none() {
                    scene.findings.add(
                        What::Erased,
                        place,
                        "its body is gone, and nothing says why",
                    );
                }
                event
            }
            Found::Spoiled(event) => {
                scene.findings.add(What::Checksum, place, "it is not as it was written");
                event
            }
            Found::Unknown => {
                scene.findings.add(What::Checksum, place, "it is of a kind that nobody knows");
                return Ok(());
            }
        };
        if event.kind.in_timeline() != row.get::<_, bool>(11)? {
            scene.findings.add(What::Checksum, place, "it lies in the wrong part of the log");
        }
        if event.from != crate::installation_user() && !scene.users.contains_key(&event.from) {
            scene.findings.add(What::Reference, place, "who did it has no account");
        }
        self.count(&event, scene.findings);
        self.take(&event, scene);
        Ok(())
    }

    fn count(&mut self, event: &EventRow<'_>, findings: &mut Findings) {
        let message = event.kind == EventKind::Message;
        self.n += u64::from(message);
        let n = message.then_some(self.n);
        if event.n != n {
            let why = format!("its n is {:?}, counted it is {n:?}", event.n);
            findings.add(What::Ordinal, (self.room, event.seq), why);
        }
        if event.at_ms < self.at_ms {
            findings.add(What::Time, (self.room, event.seq), "it is older than the one before it");
        }
        self.at_ms = event.at_ms;
        if event.kind.in_timeline() {
            self.last = Some((event.seq, event.at_ms));
        }
        if event.body.is_none() && event.rev.is_some_and(|rev| message && rev > event.seq) {
            self.bodiless.insert(event.seq, event.rev.unwrap_or_default());
        }
    }

    fn take(&mut self, event: &EventRow<'_>, scene: &mut Scene<'_>) {
        match event.kind {
            EventKind::Message => {
                if let Some(member) = self.members.get_mut(&event.from) {
                    member.read = event.seq;
                }
            }
            EventKind::Deletion { target } => {
                self.deletions.insert(target, event.seq);
            }
            EventKind::RoomCreated if event.seq == Seq::ZERO.next() => {
                self.founder = Some(event.from);
            }
            EventKind::MemberJoined { user } => self.join(user, event),
            EventKind::MemberLeft { user } => {
                if let Some(member) = self.members.get_mut(&user) {
                    member.left = Some(event.seq);
                }
            }
            EventKind::MemberRole { user } => {
                if let Some(member) = self.members.get_mut(&user) {
                    member.role = role(event);
                }
            }
            EventKind::RoomRead { room } => {
                if let Some(read) = read_seq(event) {
                    scene.told.read.insert((room, event.from), read);
                }
            }
            EventKind::Draft { room } if event.body.is_some() => {
                let before = scene.told.drafts.insert((room, event.from), event.seq);
                if let Some(before) = before {
                    let why = format!("the draft was superseded by {} and is there", event.seq);
                    scene.findings.add(What::Draft, (self.room, before), why);
                }
            }
            EventKind::RoomCreated
            | EventKind::RoomUpdated
            | EventKind::RoomAdded { .. }
            | EventKind::RoomRemoved { .. }
            | EventKind::Draft { .. } => {}
        }
    }

    /// Who founded a room sees its founding too.
    fn join(&mut self, user: UserId, event: &EventRow<'_>) {
        let founds = event.seq == Seq::new(2) && self.founder == Some(user) && event.from == user;
        let before = self.members.get(&user).map(|member| member.first);
        let member = Member {
            role: role(event),
            first: before.unwrap_or(event.seq),
            join: if founds { Seq::ZERO.next() } else { event.seq },
            joined_at_ms: event.at_ms,
            left: None,
            read: event.seq,
        };
        self.members.insert(user, member);
    }

    /// Holds the read marks before `seq` against the messages up to there.
    fn pass_marks(&mut self, seq: Seq, findings: &mut Findings) {
        while let Some((mark, rest)) = self.marks.split_first().filter(|(mark, _)| mark.read < seq)
        {
            self.marks = rest;
            if mark.read_n != self.n {
                let why = format!(
                    "{} has read {} messages up to {}, counted they are {}",
                    mark.user, mark.read_n, mark.read, self.n
                );
                findings.add(What::ReadMark, self.room, why);
            }
        }
    }

    /// What can only be said once the last event was seen.
    pub(super) fn end(&mut self, findings: &mut Findings) {
        self.pass_marks(self.seq.next(), findings);
        for mark in self.marks {
            let why = format!("{} has read up to {}, which is not there", mark.user, mark.read);
            findings.add(What::ReadMark, self.room, why);
        }
        for (&target, &by) in &self.deletions {
            if self.bodiless.remove(&target) != Some(by) {
                let why = format!("it was erased by {by} and does not show that");
                findings.add(What::Erased, (self.room, target), why);
            }
        }
        for (&target, &by) in &self.bodiless {
            let why = format!("its body is gone by {by}, which is no deletion of it");
            findings.add(What::Erased, (self.room, target), why);
        }
    }
}

/// The role in the body of a membership's event, as `chinwag_core::body::member` writes it.
fn role(event: &EventRow<'_>) -> Option<Role> {
    let (_, rest) = event.body?.split_once("\"role\":\"")?;
    Role::from_name(rest.split('"').next()?)
}

/// As `chinwag_core::body::room_read` writes it.
fn read_seq(event: &EventRow<'_>) -> Option<Seq> {
    let (_, rest) = event.body?.split_once("\"read_seq\":")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().map(Seq::new)
}
