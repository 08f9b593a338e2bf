//! What the doors read from the model, in the wire's words.

use std::sync::Arc;

use chinwag_core::event::Event;
use chinwag_core::id::{Epoch, RoomId, Seq, UserId};
use chinwag_proto::encode::event_id;
use chinwag_proto::{frame, rest};

use super::bug::Bug;
use super::model::{Model, RoomState};

/// Small pages, so that there is always a next one.
pub(super) const ROOM_PAGE: usize = 3;
pub(super) const LOG_PAGE: usize = 10;
pub(super) const TIMELINE_PAGE: usize = 15;
/// Missed events sent for one room after `ready`.
const RESUME_EVENTS: usize = 20;

/// The one history of the simulated database.
pub(super) fn epoch() -> Epoch {
    Epoch::new(7)
}

/// What one connection begins with, from one snapshot.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub rooms: Vec<rest::Room>,
    pub next: Option<String>,
    pub heads: Vec<(RoomId, Seq)>,
    pub missed: Vec<Missed>,
}

#[derive(Debug, Clone)]
pub(super) enum Missed {
    Events(Vec<frame::Event>),
    Lagged(RoomId, Seq),
}

/// An event in the wire's words.
pub(super) fn wire(event: &Event) -> frame::Event {
    let body = event
        .body
        .as_deref()
        .map(|body| serde_json::from_str(body).expect("a body in the model is a JSON object"));
    frame::Event {
        room: event.room,
        seq: event.seq,
        n: event.n,
        id: event_id(event.room, event.seq),
        key: event.key,
        kind: event.kind.name().to_owned(),
        from: event.from,
        at_ms: event.at_ms,
        rev: event.rev,
        body,
    }
}

impl Model {
    /// `with_own`: the user's `self` room is in the first page whatever its place.
    pub(super) fn opening(
        &self,
        user: UserId,
        cursors: &[(RoomId, Seq)],
        with_own: bool,
    ) -> Opening {
        let mine = |(room, state): (&RoomId, &RoomState)| {
            state.members.contains_key(&user).then_some((*room, state.head))
        };
        let missed = cursors.iter().filter_map(|&(room, after)| self.missed(user, room, after));
        let (mut rooms, next) = self.room_page(user, None);
        let own = RoomId::of_self(user);
        if with_own && rooms.iter().all(|room| room.id != own) {
            rooms.extend(self.room_info(user, own));
        }
        Opening {
            rooms,
            next,
            heads: self.rooms.iter().filter_map(mine).collect(),
            missed: missed.collect(),
        }
    }

    fn missed(&self, user: UserId, room: RoomId, after: Seq) -> Option<Missed> {
        let (events, head, more) = self.log_page(user, room, after, RESUME_EVENTS)?;
        if more {
            return Some(Missed::Lagged(room, head));
        }
        (!events.is_empty()).then_some(Missed::Events(events))
    }

    /// The log after `after` as the user may see it, the head, and whether there is more.
    pub(super) fn log_page(
        &self,
        user: UserId,
        room: RoomId,
        after: Seq,
        limit: usize,
    ) -> Option<(Vec<frame::Event>, Seq, bool)> {
        let from = self.visible_from(room, user)?;
        let after = if self.bug == Some(Bug::ResumeOffByOne) { after.next() } else { after };
        let state = self.rooms.get(&room)?;
        let visible = |event: &&Event| event.seq > after && event.seq >= from;
        let mut events: Vec<frame::Event> =
            state.events.iter().filter(visible).take(limit + 1).map(wire).collect();
        let more = events.len() > limit;
        events.truncate(limit);
        Some((events, state.head, more))
    }

    /// A page of the timeline before `before`, or the newest.
    pub(super) fn timeline_page(
        &self,
        user: UserId,
        room: RoomId,
        before: Option<Seq>,
    ) -> Option<rest::Messages> {
        let from = self.visible_from(room, user)?;
        let state = self.rooms.get(&room)?;
        let shown = |event: &&Event| {
            event.kind.in_timeline()
                && event.seq >= from
                && before.is_none_or(|before| event.seq < before)
        };
        let newest = state.events.iter().rev().filter(shown).take(TIMELINE_PAGE);
        let mut messages: Vec<frame::Event> = newest.map(wire).collect();
        messages.reverse();
        Some(rest::Messages { epoch: epoch(), messages, head_seq: state.head })
    }

    /// What the log holds after an event, for a node that missed something.
    pub(super) fn events_after(&self, room: RoomId, after: Seq, limit: usize) -> Vec<Arc<Event>> {
        let Some(state) = self.rooms.get(&room) else {
            return Vec::new();
        };
        let missing = state.events.iter().filter(|event| event.seq > after);
        missing.take(limit).cloned().map(Arc::new).collect()
    }

    /// A page of a user's rooms, the most recent first; `after` is what the page before gave.
    pub(super) fn room_page(
        &self,
        user: UserId,
        after: Option<&str>,
    ) -> (Vec<rest::Room>, Option<String>) {
        let mut rooms: Vec<rest::Room> =
            self.rooms.keys().filter_map(|&room| self.room_info(user, room)).collect();
        let place = |room: &rest::Room| {
            let at_ms = room.last.as_ref().map_or(0, |last| last.at_ms);
            format!("{:016x}{}", u64::MAX - at_ms, room.id)
        };
        rooms.sort_by_key(place);
        if let Some(after) = after {
            rooms.retain(|room| *place(room) > *after);
        }
        let more = rooms.len() > ROOM_PAGE;
        rooms.truncate(ROOM_PAGE);
        let next = rooms.last().filter(|_| more).map(place);
        (rooms, next)
    }

    /// A room as its member sees it.
    pub(super) fn room_info(&self, user: UserId, room: RoomId) -> Option<rest::Room> {
        let state = self.rooms.get(&room)?;
        let member = state.members.get(&user)?;
        let last = self.timeline_page(user, room, None)?.messages.pop();
        Some(rest::Room {
            id: room,
            kind: state.kind.name().to_owned(),
            name: None,
            history: state.history.name().to_owned(),
            posting: "members".to_owned(),
            role: Some(member.role.name().to_owned()),
            peer: None,
            members: state.members.len() as u64,
            head_seq: state.head,
            n: state.n,
            read_seq: member.read_seq,
            read_n: member.read_n,
            delivered_seq: member.delivered_seq,
            receipts: self.receipts_for(user, room).into(),
            created_at_ms: 0,
            last,
            draft: member.draft.clone(),
        })
    }
}
