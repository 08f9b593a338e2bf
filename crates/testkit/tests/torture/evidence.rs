//! What the checker is given besides the ledger: what the API shows each person, what the tabs show,
//! and the log as it lies in the database's file, read by SQLite alone.

use std::path::Path;

use chinwag_core::access::{History, RoomKind};
use chinwag_core::event::{Event, EventKind};
use chinwag_core::id::{Key, RoomId, Seq, UserId};
use chinwag_proto::rest::Messages;
use chinwag_testkit::check::{Evidence, Line, MemberView, RoomHistory, RoomView};
use rusqlite::{Connection, OpenFlags, Row};

use crate::caller::Caller;
use crate::device::line;
use crate::house::House;

impl House {
    /// Reads what is shown, ends the server, and reads its database.
    pub(crate) async fn evidence(&mut self) -> Evidence {
        let mut members = Vec::new();
        for person in 0..self.people.len() {
            members.push(self.member_view(person).await);
        }
        let devices = self.devices.iter().map(|device| device.view()).collect();
        let (status, _) = self.server.terminate().await;
        assert!(status.success(), "it ended with {status}:\n{}", self.server.log());
        Evidence { store: self.stored(), members, devices, quiet: Vec::new() }
    }

    async fn member_view(&self, person: usize) -> MemberView {
        let mut caller = self.caller(person);
        let mut rooms = Vec::new();
        for room in self.rooms(person).await.rooms {
            rooms.push(RoomView {
                room: room.id,
                head_seq: room.head_seq,
                n: room.n,
                read_seq: room.read_seq,
                read_n: room.read_n,
                receipts: None,
                from: Seq::ZERO,
                timeline: timeline(&mut caller, room.id).await,
            });
        }
        MemberView { user: self.people[person].user, rooms }
    }

    pub(crate) fn stored(&self) -> Vec<RoomHistory> {
        stored(&self.server.database())
    }
}

/// Every room's log as it lies in a file.
pub(crate) fn stored(path: &Path) -> Vec<RoomHistory> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let database = database.expect("the database can be opened");
    let whole = "PRAGMA integrity_check";
    let whole: String = database.query_row(whole, [], |row| row.get(0)).expect("it answers");
    assert_eq!(whole, "ok", "the database is damaged");
    let mut rooms = database
        .prepare("SELECT room_id, kind, history, head_seq FROM rooms")
        .expect("there are rooms");
    let rooms = rooms.query_map([], |row| room(&database, row)).expect("they can be read");
    rooms.collect::<Result<_, _>>().expect("every row is as expected")
}

/// The whole timeline of a room, page by page.
async fn timeline(caller: &mut Caller, room: RoomId) -> Vec<Line> {
    let mut pages: Vec<Vec<Line>> = Vec::new();
    let mut before = String::new();
    loop {
        let path = format!("/v1/rooms/{room}/messages?limit=100{before}");
        let page: Messages = caller.get(&path).await;
        let Some(first) = page.messages.first() else {
            break;
        };
        before = format!("&before={}", first.seq);
        pages.push(page.messages.iter().map(line).collect());
    }
    pages.into_iter().rev().flatten().collect()
}

fn room(database: &Connection, row: &Row<'_>) -> rusqlite::Result<RoomHistory> {
    let (id, kind, history): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let mut events = database.prepare_cached(
        "SELECT seq, n, kind, subject, user_id, at_ms, key, rev, body FROM events
         WHERE room_id = ?1 ORDER BY seq",
    )?;
    let room = RoomId::from_i64(id);
    let events = events.query_map([id], |row| event(room, row))?;
    Ok(RoomHistory {
        room,
        kind: RoomKind::from_name(&kind).expect("a kind that is known"),
        history: History::from_name(&history).expect("a history that is known"),
        head: Seq::from_i64(row.get(3)?),
        events: events.collect::<Result<_, _>>()?,
    })
}

fn event(room: RoomId, row: &Row<'_>) -> rusqlite::Result<Event> {
    let kind = EventKind::from_row(row.get(2)?, row.get(3)?);
    let key: Option<[u8; 16]> = row.get(6)?;
    let (n, rev): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(7)?);
    let body: Option<String> = row.get(8)?;
    Ok(Event {
        room,
        seq: Seq::from_i64(row.get(0)?),
        n: n.map(i64::cast_unsigned),
        kind: kind.expect("a kind that is known"),
        from: UserId::from_i64(row.get(4)?),
        at_ms: row.get::<_, i64>(5)?.cast_unsigned(),
        key: key.map(Key::from_bytes),
        rev: rev.map(Seq::from_i64),
        body: body.map(Into::into),
    })
}
