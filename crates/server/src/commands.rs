//! What changes something: one file a command, with both its doors.
//!
//! The table of the socket's commands is here, that of the routes in `http/routes.rs`; a test holds
//! that every command on the socket has a REST twin.

pub(crate) mod account;
pub(crate) mod draft_set;
pub(crate) mod invite;
pub(crate) mod member;
pub(crate) mod message_delete;
pub(crate) mod message_send;
pub(crate) mod rank;
pub(crate) mod receipt_set;
pub(crate) mod reset;
pub(crate) mod room_create;
pub(crate) mod room_update;
pub(crate) mod session;
pub(crate) mod typing_set;

use std::rc::Rc;

use bytes::Bytes;
use chinwag_core::event::ConnId;
use chinwag_core::id::Key;
use chinwag_proto::code::{ErrorCode, Problem};
use chinwag_proto::encode;
use chinwag_proto::frame::{ClientFrame, ReceiptSet};
use chinwag_store::trace::Trace;
use chinwag_store::write::{Answer, Refusal, Submission, Write};

use crate::app;
use crate::auth::Caller;
use crate::clock;
use crate::http::answer::too_many;
use crate::shard::Shard;
use crate::traces::Parent;

/// One command of the socket.
#[derive(Debug)]
pub struct SocketCommand {
    /// Its `type`.
    pub name: &'static str,
    /// The route through which REST does the same.
    pub twin: Option<(&'static str, &'static str)>,
}

/// Every command of the socket. `hello` is what an event stream is asked for with.
pub const SOCKET: &[SocketCommand] = &[
    SocketCommand { name: "hello", twin: None },
    SocketCommand { name: "ping", twin: Some(("POST", "/v1/stream/{stream}/ping")) },
    SocketCommand { name: "message.send", twin: Some(("POST", "/v1/rooms/{room}/messages")) },
    SocketCommand {
        name: "message.delete",
        twin: Some(("DELETE", "/v1/rooms/{room}/messages/{seq}")),
    },
    SocketCommand { name: "receipt.set", twin: Some(("PUT", "/v1/rooms/{room}/receipt")) },
    SocketCommand { name: "draft.set", twin: Some(("PUT", "/v1/rooms/{room}/draft")) },
    SocketCommand { name: "room.list", twin: Some(("GET", "/v1/rooms")) },
    SocketCommand { name: "room.get", twin: Some(("GET", "/v1/rooms/{room}")) },
    SocketCommand { name: "room.sync", twin: Some(("GET", "/v1/rooms/{room}/events")) },
    SocketCommand { name: "typing.set", twin: Some(("PUT", "/v1/rooms/{room}/typing")) },
    SocketCommand { name: "presence.watch", twin: Some(("PUT", "/v1/stream/{stream}/watch")) },
];

/// How far a command of the socket came without waiting.
pub(crate) enum Taken {
    /// It is with the writer, or needs no answer.
    Done,
    /// Answer this.
    Answer(Bytes),
    /// The writer has enough of this connection; try again when it has answered.
    Full(ClientFrame),
    /// It is answered from a snapshot of the database.
    Query(ClientFrame),
}

/// Takes one command of a connection.
pub(crate) fn socket(shard: &Rc<Shard>, conn: ConnId, caller: Caller, frame: ClientFrame) -> Taken {
    let throttle = &shard.app.throttle;
    let limited = match &frame {
        ClientFrame::TypingSet(_) | ClientFrame::Ping => Ok(()),
        ClientFrame::MessageSend(_) => throttle.send(caller.user),
        ClientFrame::ReceiptSet(receipt) if is_gathered(receipt) => throttle.delivered(caller.user),
        _ => throttle.command(caller.user),
    };
    if let Err(wait) = limited {
        return refuse(shard, reference(&frame), too_many(wait));
    }
    match frame {
        ClientFrame::MessageSend(send) => {
            let parsed = message_send::write(send.room, &send.text);
            submit(shard, conn, caller, send.reference, send.key, parsed, || {
                ClientFrame::MessageSend(send)
            })
        }
        ClientFrame::MessageDelete(delete) => {
            let parsed = Ok(Write::MessageDelete { room: delete.room, target: delete.target });
            submit(shard, conn, caller, delete.reference, delete.key, parsed, || {
                ClientFrame::MessageDelete(delete)
            })
        }
        ClientFrame::ReceiptSet(receipt) if is_gathered(&receipt) => {
            if shard.delivered(caller.user, receipt.room, receipt.delivered.unwrap_or_default()) {
                return Taken::Done;
            }
            refuse(shard, None, app::problem(&Refusal::Busy))
        }
        ClientFrame::ReceiptSet(receipt) => {
            let parsed = receipt_set::write(receipt.room, receipt.read, receipt.delivered);
            let key = Key::new(clock::wall_ms(), clock::random_u128());
            let reference = receipt.reference.unwrap_or(UNASKED);
            submit(shard, conn, caller, reference, key, parsed, || ClientFrame::ReceiptSet(receipt))
        }
        ClientFrame::DraftSet(draft) => {
            let parsed = draft_set::write(draft.room, draft.text.clone());
            submit(shard, conn, caller, draft.reference, draft.key, parsed, || {
                ClientFrame::DraftSet(draft)
            })
        }
        ClientFrame::TypingSet(_) if throttle.signal(caller.user).is_err() => Taken::Done,
        ClientFrame::Ping => Taken::Answer(encode::pong_frame()),
        ClientFrame::Hello(_) => {
            refuse(shard, None, Problem::invalid("type", "hello was said already"))
        }
        ClientFrame::RoomList(_)
        | ClientFrame::RoomGet(_)
        | ClientFrame::RoomSync(_)
        | ClientFrame::TypingSet(_)
        | ClientFrame::PresenceWatch(_) => Taken::Query(frame),
    }
}

/// The `ref` of a command whose client wants no answer: it is above `REF_MAX`, so no client's.
pub(crate) const UNASKED: u64 = u64::MAX;

/// True for what a client says by itself and waits for no answer to.
fn is_gathered(receipt: &ReceiptSet) -> bool {
    receipt.reference.is_none() && receipt.read.is_none() && receipt.delivered.is_some()
}

/// The `ref` of a frame, for its refusal.
fn reference(frame: &ClientFrame) -> Option<u64> {
    match frame {
        ClientFrame::MessageSend(frame) => Some(frame.reference),
        ClientFrame::MessageDelete(frame) => Some(frame.reference),
        ClientFrame::RoomList(frame) => Some(frame.reference),
        ClientFrame::RoomGet(frame) => Some(frame.reference),
        ClientFrame::RoomSync(frame) => Some(frame.reference),
        ClientFrame::DraftSet(frame) => Some(frame.reference),
        ClientFrame::ReceiptSet(frame) => frame.reference,
        ClientFrame::Hello(_)
        | ClientFrame::TypingSet(_)
        | ClientFrame::PresenceWatch(_)
        | ClientFrame::Ping => None,
    }
}

/// Hands a durable change to the writer; its outcome comes back in the committed stream.
fn submit(
    shard: &Rc<Shard>,
    conn: ConnId,
    caller: Caller,
    reference: u64,
    key: Key,
    write: Result<Write, Problem>,
    again: impl FnOnce() -> ClientFrame,
) -> Taken {
    let asked = (reference != UNASKED).then_some(reference);
    let write = match write {
        Ok(write) if !shard.app.is_draining() => write,
        Ok(_) => return refuse(shard, asked, app::draining()),
        Err(problem) => return refuse(shard, asked, problem),
    };
    if !shard.begin(conn) {
        return Taken::Full(again());
    }
    let answer = Answer::Socket(shard.origin(conn, reference));
    let at_ms = clock::wall_ms();
    let trace = match write {
        Write::MessageSend { .. } => shard.app.traces.begin(Parent::default(), &shard.reading),
        _ => Trace::default(),
    };
    let submission = Submission { actor: caller.user, key, at_ms, write, answer, trace };
    if shard.app.store.submit(submission).is_err() {
        shard.abandon(conn);
        return refuse(shard, asked, app::problem(&Refusal::Busy));
    }
    shard.app.traces.received(trace, Parent::default(), &shard.reading);
    Taken::Done
}

fn refuse(shard: &Rc<Shard>, reference: Option<u64>, problem: Problem) -> Taken {
    debug_assert!(ErrorCode::ALL.contains(&problem.code));
    shard.app.metrics.refused(problem.code);
    Taken::Answer(encode::error_frame(reference, problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes::ROUTES;

    #[test]
    fn every_command_on_the_socket_has_a_rest_twin() {
        for command in SOCKET {
            let Some((method, path)) = command.twin else {
                continue;
            };
            let found = ROUTES.iter().any(|route| (route.method, route.path) == (method, path));
            assert!(found, "{} has no twin at {method} {path}", command.name);
        }
    }
}
