//! What the API and the clients show at the end.

use std::collections::BTreeMap;

use chinwag_core::access::History;
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{RoomId, Seq, UserId};

use super::{Facts, Line, MemberView, Promise, RoomHistory, RoomView, Violation, stored_hash};
use crate::ledger::{DeviceId, Entry};

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let marks = marks(facts);
    for view in &facts.evidence.members {
        whole(facts, view.user, "the API", &view.rooms, found);
        for room in &view.rooms {
            member_room(facts, &marks, view, room, found);
        }
    }
    for view in &facts.evidence.devices {
        let who = format!("{:?}", view.device);
        whole(facts, view.device.user, &who, &view.rooms, found);
        let member = facts.evidence.members.iter().find(|it| it.user == view.device.user);
        for room in &view.rooms {
            let by_api = member.and_then(|it| it.rooms.iter().find(|it| it.room == room.room));
            if let Some(by_api) = by_api {
                device_room(view.device, room, by_api, found);
            }
        }
    }
}

/// Exactly the rooms of the user are shown, each to its head.
fn whole(
    facts: &Facts<'_>,
    user: UserId,
    who: &str,
    rooms: &[RoomView],
    found: &mut Vec<Violation>,
) {
    for store in &facts.evidence.store {
        let shown = rooms.iter().find(|room| room.room == store.room);
        let (promise, what) = match (facts.is_member(store.room, user), shown) {
            (Some(_), None) => (Promise::NoGap, "is not shown".to_owned()),
            (None, Some(_)) => (Promise::NoLeak, "is shown to one who is no member".to_owned()),
            (Some(_), Some(room)) if room.head_seq != store.head => {
                (Promise::NoGap, format!("is shown up to {} of {}", room.head_seq, store.head))
            }
            _ => continue,
        };
        found.push(Violation { promise, what: format!("{} {what}: {who}, {user}", store.room) });
    }
}

/// For each user and room: how far it was read at least, and at most, as far as the ledger knows.
type Marks = BTreeMap<(RoomId, UserId), (Seq, Seq)>;

fn marks(facts: &Facts<'_>) -> Marks {
    let mut marks = Marks::new();
    for record in facts.ledger.records() {
        let (room, seq, sure) = match record.entry {
            Entry::Read { room, seq } => (room, seq, false),
            Entry::ReadDone { room, seq } => (room, seq, true),
            _ => continue,
        };
        raise(&mut marks, room, record.device.user, seq, sure);
    }
    for event in facts.evidence.store.iter().flat_map(|room| &room.events) {
        match event.kind {
            EventKind::Message => raise(&mut marks, event.room, event.from, event.seq, true),
            EventKind::MemberJoined { user } => {
                raise(&mut marks, event.room, user, event.seq, true);
            }
            _ => {}
        }
    }
    marks
}

fn raise(marks: &mut Marks, room: RoomId, user: UserId, seq: Seq, sure: bool) {
    let (least, most) = marks.entry((room, user)).or_default();
    *most = (*most).max(seq);
    if sure {
        *least = (*least).max(seq);
    }
}

fn member_room(
    facts: &Facts<'_>,
    marks: &Marks,
    view: &MemberView,
    room: &RoomView,
    found: &mut Vec<Violation>,
) {
    let Some(store) = facts.rooms.get(&room.room) else {
        return;
    };
    let user = view.user;
    let mut wrong = |promise, what: String| {
        found.push(Violation { promise, what: format!("{} as {user} sees it: {what}", room.room) });
    };
    let (n, read_n) = (n_at(store, store.head), n_at(store, room.read_seq));
    if (room.n, room.read_n) != (n, read_n) {
        let shown = (room.n, room.read_n);
        wrong(Promise::Unread, format!("n and read_n are {shown:?}, counted {:?}", (n, read_n)));
    }
    let (least, most) = marks.get(&(room.room, user)).copied().unwrap_or_default();
    if room.read_seq < least || room.read_seq > most {
        wrong(Promise::Unread, format!("read to {}, not within {least} to {most}", room.read_seq));
    }
    let joined = facts.is_member(room.room, user).unwrap_or_default();
    let from = if store.history == History::All { Seq::ZERO } else { joined };
    let visible = |event: &&Event| event.kind.in_timeline() && event.seq >= from.max(room.from);
    let mut visible = store.events.iter().filter(visible);
    if let Some(line) = room.timeline.iter().find(|line| line.seq < from) {
        return wrong(Promise::NoLeak, format!("{} from before {from} is shown", line.seq));
    }
    let mut shown = room.timeline.iter();
    loop {
        match (visible.next(), shown.next()) {
            (None, None) => break,
            (Some(event), Some(line)) if line_of(event) == *line => {}
            (event, line) => {
                let event = event.map(line_of);
                wrong(Promise::OneOrder, format!("shows {line:?} for {event:?}"));
                break;
            }
        }
    }
}

fn line_of(event: &Event) -> Line {
    Line { seq: event.seq, key: event.key, hash: stored_hash(event) }
}

fn n_at(store: &RoomHistory, seq: Seq) -> u64 {
    let messages = store.events.iter().filter(|event| event.kind == EventKind::Message);
    messages.filter(|event| event.seq <= seq).count() as u64
}

/// A client shows what the API shows.
fn device_room(device: DeviceId, room: &RoomView, by_api: &RoomView, found: &mut Vec<Violation>) {
    let mut wrong = |promise, what: String| {
        found.push(Violation { promise, what: format!("{} on {device:?}: {what}", room.room) });
    };
    // The mark of one's own room is told to no device: all in it is one's own, and none of it unread.
    let is_told = !room.room.is_self_of(device.user);
    let counts = |room: &RoomView| (room.n, is_told.then_some(room.read_seq), room.read_n);
    if counts(room) != counts(by_api) {
        let (here, there) = (counts(room), counts(by_api));
        wrong(Promise::Unread, format!("n and read mark are {here:?}, by the API {there:?}"));
    }
    let api: Vec<&Line> = by_api.timeline.iter().filter(|line| line.seq >= room.from).collect();
    let here: Vec<&Line> = room.timeline.iter().collect();
    if here == api {
        return;
    }
    let place = here.iter().zip(&api).position(|(here, api)| here != api);
    let place = place.unwrap_or(here.len().min(api.len()));
    let (line, want) = (here.get(place), api.get(place));
    let promise = match (line, want) {
        (Some(line), Some(want)) if line.seq == want.seq && want.hash.is_none() => Promise::Erased,
        (Some(line), Some(want)) if line.seq == want.seq => Promise::OneOrder,
        _ => Promise::NoGap,
    };
    wrong(promise, format!("shows {line:?} where the API shows {want:?}"));
}
