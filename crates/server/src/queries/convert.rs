//! Rows of the store to types of the wire, by hand: what is not named here does not leave.

use chinwag_core::access::{History, Posting, Rank, Role, RoomKind};
use chinwag_core::event::Event;
use chinwag_core::id::RoomId;
use chinwag_core::profile::Hue;
use chinwag_proto::code::Problem;
use chinwag_proto::{encode, frame, rest};
use chinwag_store::read::{MemberRow, ReceiptRow, RoomCursor, RoomPage, RoomRow, UserRow};

pub(crate) fn me(user: UserRow) -> rest::Me {
    rest::Me {
        id: user.id,
        handle: user.handle,
        display_name: user.display_name,
        rank: Rank::name(user.rank).to_owned(),
        created_at_ms: user.created_at_ms,
        hue: user.hue.map(Hue::degrees),
        read_receipts: user.read_receipts,
        last_seen: user.last_seen,
    }
}

pub(crate) fn user(user: UserRow) -> rest::UserName {
    let hue = user.hue.map(Hue::degrees);
    let UserRow { id, handle, display_name, .. } = user;
    rest::UserName { id, handle, display_name, hue, rank: None }
}

/// With the rank, for those who govern the installation.
pub(crate) fn ranked(row: UserRow) -> rest::UserName {
    let rank = Some(Rank::name(row.rank).to_owned());
    rest::UserName { rank, ..user(row) }
}

pub(crate) fn users(users: Vec<UserRow>) -> Vec<rest::UserName> {
    users.into_iter().map(user).collect()
}

pub(crate) fn member(member: MemberRow) -> rest::Member {
    rest::Member {
        user: user(member.user),
        role: Role::name(member.role).to_owned(),
        joined_at_ms: member.joined_at_ms,
    }
}

pub(crate) fn rooms(page: RoomPage) -> rest::Rooms {
    rest::Rooms {
        rooms: page.rooms.into_iter().map(room).collect(),
        users: users(page.users),
        next: page.next.map(|cursor| format!("{}.{}", cursor.active_at_ms, cursor.room)),
    }
}

/// What [`rooms`] wrote as `next`.
pub(crate) fn room_cursor(text: &str) -> Result<RoomCursor, Problem> {
    let parsed = text.split_once('.').and_then(|(at, room)| {
        let room: RoomId = room.parse().ok()?;
        let active_at_ms = at.parse().ok().filter(|&at: &u64| at <= i64::MAX as u64)?;
        Some(RoomCursor { active_at_ms, room })
    });
    parsed.ok_or_else(|| Problem::invalid("after", "must be `next` of a page"))
}

fn room(row: RoomRow) -> rest::Room {
    rest::Room {
        id: row.id,
        kind: RoomKind::name(row.kind).to_owned(),
        name: row.name,
        history: History::name(row.history).to_owned(),
        posting: Posting::name(row.posting).to_owned(),
        role: row.role.map(|role| Role::name(role).to_owned()),
        peer: row.peer,
        members: row.members,
        head_seq: row.head_seq,
        n: row.n,
        read_seq: row.read_seq,
        read_n: row.read_n,
        delivered_seq: row.delivered_seq,
        receipts: row.receipts.into(),
        created_at_ms: row.created_at_ms,
        last: row.last.map(|last| event(&last)),
        draft: row.draft,
    }
}

pub(crate) fn receipt(row: ReceiptRow) -> rest::MemberReceipt {
    rest::MemberReceipt {
        user: user(row.user),
        from_seq: row.join,
        delivered_seq: row.delivered,
        delivered_at_ms: row.delivered_at_ms,
        read_seq: row.read.map(|(seq, _)| seq),
        read_at_ms: row.read.map(|(_, at_ms)| at_ms),
    }
}

fn event(event: &Event) -> frame::Event {
    frame::Event {
        room: event.room,
        seq: event.seq,
        n: event.n,
        id: encode::event_id(event.room, event.seq),
        key: event.key,
        kind: event.kind.name().to_owned(),
        from: event.from,
        at_ms: event.at_ms,
        rev: event.rev,
        body: event.body.as_deref().and_then(|body| serde_json::from_str(body).ok()),
    }
}

pub(crate) fn posted(event: &Event) -> rest::Posted {
    rest::Posted {
        seq: event.seq,
        n: event.n,
        id: encode::event_id(event.room, event.seq),
        at_ms: event.at_ms,
    }
}
