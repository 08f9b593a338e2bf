//! An event stream: a reader of the hub like a WebSocket, to which nothing is said on its connection.
//! What its client says comes by REST, and where it is about the stream itself, by its name.

use std::io::ErrorKind;
use std::rc::Rc;
use std::str::FromStr;

use bytes::Bytes;
use chinwag_core::event::ConnId;
use chinwag_core::limit::BEAT_EVERY;
use chinwag_core::outbox::Class;
use chinwag_proto::code::Problem;
use chinwag_proto::encode;
use chinwag_proto::frame::{ClientFrame, Hello};
use chinwag_proto::stream::Framing;
use tokio::sync::oneshot;
use tokio::task::spawn_local;

use super::inbox::{Said, ToShard};
use super::socket::{Form, Stage};
use super::{Shard, opening};
use crate::accept::Place;
use crate::app::{self, App};
use crate::auth::Caller;
use crate::http::answer::Answer;
use crate::stream::Stream;
use crate::{clock, queries};

pub(crate) use opening::check;

/// A request for a stream that is good: it has the answer's head and waits for its body.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub caller: Caller,
    pub hello: Hello,
    pub framing: Framing,
    pub head: Bytes,
}

/// Begins to serve a connection that has become an event stream, in a task of its own.
pub(crate) fn begin(shard: Rc<Shard>, stream: Rc<Stream>, greeting: Greeting, place: Rc<Place>) {
    let beat_ms = clock::monotonic_ms() + BEAT_EVERY.as_millis() as u64;
    let form = Form::Events { framing: greeting.framing, beat_ms };
    let conn = shard.adopt(Rc::clone(&stream), form, Some(place));
    spawn_local(serve(shard, conn, stream, greeting));
}

async fn serve(shard: Rc<Shard>, conn: ConnId, stream: Rc<Stream>, greeting: Greeting) {
    let Greeting { caller, hello, head, .. } = greeting;
    shard.send_as_it_is(conn, head);
    let name = Name { shard: shard.number, conn }.to_string();
    // On the heap for as long as it takes, as for a WebSocket.
    Box::pin(opening::greet(&shard, conn, caller, hello, Some(name))).await;
    until_gone(&shard, &stream).await;
    shard.release(conn);
}

/// Waits for the end of a connection on which nothing is left to be said: what comes all the same is
/// let go.
async fn until_gone(shard: &Shard, stream: &Stream) {
    while stream.readable().await.is_ok() {
        match stream.try_read(&mut shard.scratch.borrow_mut()) {
            Ok(count) if count > 0 => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => return,
        }
    }
}

/// Does what was said about a stream, if it is one of the caller's session.
pub(super) fn said(shard: &Rc<Shard>, said: Said) {
    let shard = Rc::clone(shard);
    spawn_local(async move {
        let Said { conn, caller, frame, answer } = said;
        let done = match shard.is_stream_of(conn, caller) {
            true => follow(&shard, conn, caller, frame).await,
            false => Err(Problem::not_found().into()),
        };
        let _ = answer.send(done);
    });
}

async fn follow(shard: &Rc<Shard>, conn: ConnId, caller: Caller, frame: ClientFrame) -> Answer<()> {
    match frame {
        ClientFrame::PresenceWatch(watch) => {
            queries::socket::watched(shard, conn, caller, watch).await.map(drop)
        }
        _ => {
            shard.send(conn, encode::pong_frame(), Class::Signal);
            Ok(())
        }
    }
}

impl Shard {
    fn is_stream_of(&self, conn: ConnId, caller: Caller) -> bool {
        let live = &mut *self.live.borrow_mut();
        live.socket(conn).is_some_and(|socket| {
            matches!(socket.form, Form::Events { .. })
                && matches!(socket.stage, Stage::Open(whose) if whose.session == caller.session)
        })
    }

    /// Writes bytes to a connection that are no frame.
    fn send_as_it_is(self: &Rc<Self>, conn: ConnId, bytes: Bytes) {
        {
            let live = &mut *self.live.borrow_mut();
            let frame = live.wave.frame(bytes, Class::Reply);
            if let Some(Some(socket)) = live.sockets.get_mut(conn.slot as usize) {
                live.wave.give(frame, conn.slot, &mut socket.chain);
            }
        }
        self.settle();
    }
}

/// The name under which its client speaks about a stream. It is no secret: only its session may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    shard: u16,
    conn: ConnId,
}

impl Name {
    /// Tells the stream's shard what `caller` says about it, and waits until it is done.
    pub(crate) async fn say(self, app: &App, caller: Caller, frame: ClientFrame) -> Answer<()> {
        let inbox = app.shards.inboxes().get(usize::from(self.shard));
        let inbox = inbox.ok_or_else(Problem::not_found)?;
        let (answer, done) = oneshot::channel();
        let said = Said { conn: self.conn, caller, frame, answer };
        if !inbox.push(ToShard::Said(said)) {
            return Err(app::problem(&chinwag_store::write::Refusal::Busy).into());
        }
        done.await.unwrap_or_else(|_| Err(app::draining().into()))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ConnId { slot, generation } = self.conn;
        write!(f, "{:x}-{slot:x}-{generation:x}", self.shard)
    }
}

impl FromStr for Name {
    type Err = Problem;

    /// What is no name names nothing, so it is not found.
    fn from_str(text: &str) -> Result<Self, Problem> {
        let mut parts = text.split('-').map(|part| u32::from_str_radix(part, 16));
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(shard)), Some(Ok(slot)), Some(Ok(generation)), None) => {
                let shard = u16::try_from(shard).map_err(|_| Problem::not_found())?;
                Ok(Self { shard, conn: ConnId { slot, generation } })
            }
            _ => Err(Problem::not_found()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_nothing_else_is_one() {
        let name = Name { shard: 3, conn: ConnId { slot: 17, generation: u32::MAX } };
        assert_eq!(name.to_string().parse(), Ok(name));
        for other in ["", "3", "3-11", "3-11-x", "3-11-1-1", "10000-1-1", "--"] {
            assert_eq!(other.parse::<Name>(), Err(Problem::not_found()), "{other}");
        }
    }
}
