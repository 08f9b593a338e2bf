//! `hello` and what follows it: the token is checked, the user's rooms are read in one snapshot,
//! and the connection becomes live with nothing missed and nothing twice.

use std::rc::Rc;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use chinwag_core::event::ConnId;
use chinwag_core::hub::Input;
use chinwag_core::id::{RoomId, Seq};
use chinwag_core::limit::{
    CURSORS_MAX, FRAME_BYTES_MAX, IN_FLIGHT_MAX, PAGE_MAX, TEXT_BYTES_MAX, WATCH_MAX,
};
use chinwag_core::outbox::Class;
use chinwag_proto::code::{CloseCode, ErrorCode, Problem};
use chinwag_proto::encode;
use chinwag_proto::frame::{Hello, Limits, Ready, ServerFrame};
use chinwag_store::read::{Missed, Opening, Reader};

use super::Shard;
use crate::app::App;
use crate::auth::Caller;
use crate::receipts::Ticks;
use crate::{clock, queries};

/// What a client must know of our limits.
const LIMITS: Limits = Limits {
    text_bytes: TEXT_BYTES_MAX as u32,
    frame_bytes: FRAME_BYTES_MAX as u32,
    in_flight: IN_FLIGHT_MAX,
    page: PAGE_MAX as u32,
    cursors: CURSORS_MAX as u32,
    watch: WATCH_MAX as u32,
};

/// The frames that open a connection, and where it stands in each room after them.
struct Opened {
    ready: Bytes,
    missed: Bytes,
    heads: Vec<(RoomId, Seq)>,
    shares_read: bool,
}

/// Who says `hello`, if it is good.
pub(crate) fn check(app: &App, hello: &Hello) -> Result<Caller, Problem> {
    let caller = app.caller(&hello.token).ok_or_else(Problem::unauthorized)?;
    if hello.cursors.len() > CURSORS_MAX {
        return Err(Problem::invalid("cursors", format!("must be at most {CURSORS_MAX}")));
    }
    Ok(caller)
}

/// Answers `hello` on a WebSocket.
pub(super) async fn open(shard: &Rc<Shard>, conn: ConnId, hello: Hello) {
    match check(&shard.app, &hello) {
        Ok(caller) => greet(shard, conn, caller, hello, None).await,
        Err(problem) if problem.code == ErrorCode::Unauthorized => {
            refuse(shard, conn, CloseCode::UNAUTHORIZED);
        }
        Err(problem) => {
            shard.send(conn, encode::error_frame(None, problem), Class::Reply);
            refuse(shard, conn, CloseCode::POLICY);
        }
    }
}

/// Reads what the caller of a good `hello` must know, and makes the connection live. An event stream
/// is told its name.
pub(super) async fn greet(
    shard: &Rc<Shard>,
    conn: ConnId,
    caller: Caller,
    hello: Hello,
    stream: Option<String>,
) {
    let Ok(_permit) = shard.joins.acquire().await else {
        return;
    };
    shard.open(conn, caller);
    let Caller { user, session } = caller;
    tracing::debug!(%user, %session, slot = conn.slot, "a socket said hello");
    shard.handle([Input::Attached { conn, user, session }]);
    let ticks = Arc::clone(&shard.app.ticks);
    let read = move |reader: &Reader| read(reader, &ticks, caller, &hello, stream);
    match shard.app.store.read(read).await {
        Ok(Some(opened)) if !shard.app.revoked.contains(session) => live(shard, conn, opened),
        Ok(_) => refuse(shard, conn, CloseCode::UNAUTHORIZED),
        Err(_) => refuse(shard, conn, CloseCode::RESTART),
    }
}

fn refuse(shard: &Rc<Shard>, conn: ConnId, code: CloseCode) {
    shard.app.metrics.closed(code);
    shard.close(conn, code);
}

/// On a reader's thread: reads and encodes.
fn read(
    reader: &Reader,
    ticks: &Ticks,
    caller: Caller,
    hello: &Hello,
    stream: Option<String>,
) -> Option<Opened> {
    let mut opening = reader.opening(caller.user, hello.epoch, &hello.cursors)?;
    let shares_read = opening.user.read_receipts;
    ticks.fill(reader, shares_read, &mut opening.page);
    let missed = missed(&opening);
    let heads = opening.heads.clone();
    Some(Opened { ready: ready(opening, caller, stream), missed, heads, shares_read })
}

fn ready(opening: Opening, caller: Caller, stream: Option<String>) -> Bytes {
    let page = queries::convert::rooms(opening.page);
    encode::frame(&ServerFrame::Ready(Ready {
        epoch: opening.epoch,
        reset: opening.reset,
        session: caller.session,
        user: queries::convert::me(opening.user),
        rooms: page.rooms,
        users: page.users,
        more: page.next.is_some(),
        next: page.next,
        stream,
        limits: LIMITS,
        now_ms: clock::wall_ms(),
    }))
}

fn missed(opening: &Opening) -> Bytes {
    let mut frames = BytesMut::new();
    for missed in &opening.missed {
        match missed {
            Missed::Events(events) => {
                for event in events {
                    frames.extend_from_slice(&encode::event_frame(event.as_row()));
                }
            }
            Missed::Lagged { room, head_seq } => {
                frames.extend_from_slice(&encode::lagged_frame(*room, *head_seq));
            }
        }
    }
    frames.freeze()
}

fn live(shard: &Rc<Shard>, conn: ConnId, opened: Opened) {
    shard.send(conn, opened.ready, Class::Reply);
    if !opened.missed.is_empty() {
        shard.send(conn, opened.missed, Class::Reply);
    }
    let Opened { heads, shares_read, .. } = opened;
    shard.handle([Input::Joined { conn, heads, shares_read }]);
    shard.app.metrics.opened.inc();
}
