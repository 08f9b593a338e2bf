//! The reading half of a connection: a thin task that owns no buffer while it waits.

use std::io::ErrorKind;
use std::rc::Rc;

use bytes::Bytes;
use chinwag_core::event::ConnId;
use chinwag_core::hub::Input;
use chinwag_core::limit::{FRAME_BYTES_MAX, FRAME_FRAGMENTS_MAX, IN_FLIGHT_MAX};
use chinwag_core::outbox::Class;
use chinwag_proto::code::CloseCode;
use chinwag_proto::frame::{ClientFrame, Hello};
use chinwag_proto::ws::{self, Decoder, Message, Role};
use chinwag_proto::{encode, parse};
use tokio::task::spawn_local;

use super::socket::{Form, Stage};
use super::{Live, Shard, opening};
use crate::accept::Place;
use crate::auth::Caller;
use crate::commands::{self, Taken};
use crate::stream::Stream;
use crate::{clock, queries};

const LIMITS: ws::Limits =
    ws::Limits { message_bytes: FRAME_BYTES_MAX as u32, fragments: FRAME_FRAGMENTS_MAX as u32 };

/// What must happen before the next frame is taken.
enum Next {
    /// Nothing; go on.
    Read,
    Hello(Hello),
    /// The command is answered from a snapshot of the database.
    Query(Caller, ClientFrame),
    /// The writer has as much of this connection as it may.
    Full(Caller, ClientFrame),
    /// An answer that must wait for those before it.
    Answer(Bytes),
}

/// Begins to serve a connection that has become a WebSocket: in a task of its own, which has no room
/// for what the one before went through. `early` came in the same packet as the request; `place` is
/// given back once it has shown a token.
pub(crate) fn begin(shard: Rc<Shard>, stream: Rc<Stream>, early: Bytes, place: Rc<Place>) {
    let conn = shard.adopt(Rc::clone(&stream), Form::Socket, Some(place));
    spawn_local(read(shard, conn, stream, Decoder::new(Role::Server, LIMITS), early));
}

/// Begins to serve a connection that gets back what it says, under limits as wide as the conformance
/// suite needs.
#[cfg(feature = "conformance")]
pub(crate) fn begin_echo(shard: Rc<Shard>, stream: Rc<Stream>, early: Bytes) {
    const WIDE: ws::Limits = ws::Limits { message_bytes: 16 << 20, fragments: 1 << 20 };
    let conn = shard.adopt(Rc::clone(&stream), Form::Socket, None);
    shard.echo(conn);
    spawn_local(read(shard, conn, stream, Decoder::new(Role::Server, WIDE), early));
}

async fn read(
    shard: Rc<Shard>,
    conn: ConnId,
    stream: Rc<Stream>,
    mut decoder: Decoder,
    early: Bytes,
) {
    // A copy, which is nearly always of nothing: `early` holds the whole buffer of the request.
    let mut rest = early.to_vec();
    drop(early);
    loop {
        let next = if rest.is_empty() {
            if stream.readable().await.is_err() {
                break;
            }
            let scratch = &mut *shard.scratch.borrow_mut();
            match stream.try_read(scratch) {
                Ok(0) => break,
                Ok(count) => shard.chew(conn, &mut decoder, &mut scratch[..count], &mut rest),
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(_) => break,
            }
        } else {
            let mut input = std::mem::take(&mut rest);
            shard.chew(conn, &mut decoder, &mut input, &mut rest)
        };
        if !matches!(next, Next::Read) {
            shard.holds(conn);
            // On the heap for as long as it takes, so that an idle connection has no room for it.
            Box::pin(follow(&shard, conn, next)).await;
        }
        if rest.is_empty() {
            shard.rests(conn);
        }
    }
    shard.release(conn);
}

async fn follow(shard: &Rc<Shard>, conn: ConnId, next: Next) {
    match next {
        Next::Read => {}
        Next::Hello(hello) => opening::open(shard, conn, hello).await,
        Next::Query(caller, frame) => {
            shard.in_flight_down_to(conn, 0).await;
            // A page is long: one who reads slowly asks for the next when this one has left, or the
            // answers alone would fill its outbox.
            if !shard.caught_up(conn).await {
                return;
            }
            for (bytes, class) in queries::socket::answer(shard, conn, caller, frame).await {
                shard.send(conn, bytes, class);
            }
        }
        Next::Full(caller, frame) => {
            shard.in_flight_down_to(conn, IN_FLIGHT_MAX - 1).await;
            if !matches!(shard.stage(conn), Some(Stage::Open(_))) {
                return;
            }
            shard.reading.begin(&shard.app.traces);
            let next = shard.command(conn, caller, frame);
            shard.app.store.wake();
            Box::pin(follow(shard, conn, next)).await;
        }
        Next::Answer(bytes) => {
            shard.in_flight_down_to(conn, 0).await;
            shard.send(conn, bytes, Class::Reply);
        }
    }
}

impl Shard {
    /// Takes the messages in `input` until there is none or one that must be waited for; what is
    /// left then goes to `rest`. Then the writer may begin with them.
    fn chew(
        self: &Rc<Self>,
        conn: ConnId,
        decoder: &mut Decoder,
        input: &mut [u8],
        rest: &mut Vec<u8>,
    ) -> Next {
        let next = self.take_messages(conn, decoder, input, rest);
        self.app.store.wake();
        next
    }

    fn take_messages(
        self: &Rc<Self>,
        conn: ConnId,
        decoder: &mut Decoder,
        mut input: &mut [u8],
        rest: &mut Vec<u8>,
    ) -> Next {
        self.heard(conn);
        self.reading.begin(&self.app.traces);
        loop {
            let next = match decoder.next(&mut input) {
                Ok(None) => return Next::Read,
                Ok(Some(message)) => self.message(conn, message),
                Err(violation) => {
                    self.app.metrics.closed(violation.close_code());
                    self.close(conn, violation.close_code());
                    Next::Read
                }
            };
            if !matches!(next, Next::Read) {
                rest.extend_from_slice(input);
                return next;
            }
        }
    }

    fn message(self: &Rc<Self>, conn: ConnId, message: Message<'_>) -> Next {
        #[cfg(feature = "conformance")]
        if matches!(self.stage(conn), Some(Stage::Echo)) {
            match &message {
                Message::Text(text) => {
                    self.send(conn, ws::encode::text(text.as_bytes()), Class::Reply)
                }
                Message::Binary(bytes) => self.send(conn, ws::encode::binary(bytes), Class::Reply),
                _ => {}
            }
            if matches!(message, Message::Text(_) | Message::Binary(_)) {
                return Next::Read;
            }
        }
        self.app.metrics.frames_in.inc();
        match message {
            Message::Text(text) => return self.text(conn, text),
            Message::Binary(_) => {
                self.app.metrics.closed(CloseCode::UNSUPPORTED);
                self.close(conn, CloseCode::UNSUPPORTED);
            }
            Message::Ping(payload) => self.send(conn, ws::encode::pong(payload), Class::Signal),
            Message::Pong(_) => {}
            Message::Close { code, .. } => self.close(conn, code.unwrap_or(CloseCode::NORMAL)),
        }
        Next::Read
    }

    fn text(self: &Rc<Self>, conn: ConnId, text: &str) -> Next {
        let Some(stage) = self.stage(conn) else {
            return Next::Read;
        };
        let frame = parse::client_frame(text);
        match (stage, frame) {
            #[cfg(feature = "conformance")]
            (Stage::Echo, _) => Next::Read,
            (Stage::Closing { .. }, _) => Next::Read,
            (Stage::Hello { .. }, Ok(ClientFrame::Hello(hello))) => Next::Hello(hello),
            (Stage::Hello { .. }, other) => {
                if let Err(wrong) = other {
                    self.send(
                        conn,
                        encode::error_frame(wrong.reference, wrong.problem),
                        Class::Reply,
                    );
                }
                self.app.metrics.closed(CloseCode::UNAUTHORIZED);
                self.close(conn, CloseCode::UNAUTHORIZED);
                Next::Read
            }
            (Stage::Open(caller), Ok(frame)) => self.command(conn, caller, frame),
            (Stage::Open(_), Err(wrong)) => {
                self.app.metrics.refused(wrong.problem.code);
                self.answer(conn, encode::error_frame(wrong.reference, wrong.problem))
            }
        }
    }

    /// Takes one command as far as it goes without waiting.
    fn command(self: &Rc<Self>, conn: ConnId, caller: Caller, frame: ClientFrame) -> Next {
        match commands::socket(self, conn, caller, frame) {
            Taken::Done => Next::Read,
            Taken::Answer(bytes) => self.answer(conn, bytes),
            Taken::Full(frame) => Next::Full(caller, frame),
            Taken::Query(frame) => Next::Query(caller, frame),
        }
    }

    /// Answers now if nothing is in flight, else after what is.
    fn answer(self: &Rc<Self>, conn: ConnId, bytes: Bytes) -> Next {
        let idle = self.live.borrow_mut().socket(conn).is_some_and(|socket| socket.in_flight == 0);
        if !idle {
            return Next::Answer(bytes);
        }
        self.send(conn, bytes, Class::Reply);
        Next::Read
    }

    fn heard(&self, conn: ConnId) {
        self.note_heard(&mut self.live.borrow_mut(), conn);
    }

    pub(super) fn note_heard(&self, live: &mut Live, conn: ConnId) {
        let now_ms = clock::monotonic_ms();
        live.hub.handle(now_ms, Input::Heard { conn }, &mut live.outputs);
    }

    /// Hands the hub something of a connection.
    pub(crate) fn signal(self: &Rc<Self>, input: Input) {
        self.handle([input]);
    }
}
