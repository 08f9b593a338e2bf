//! One connection's end: written to straight while it keeps up, through an outbox while it does not.

use std::io::{self, ErrorKind, IoSlice};
use std::rc::Rc;

use bytes::Bytes;
use chinwag_core::id::{RoomId, SessionId};
use chinwag_core::outbox::{Class, Losses, Outbox, Pushed};
use chinwag_proto::encode;
use chinwag_proto::stream::{self, Framing};
use tokio::sync::Notify;

use super::wave::{Chain, Wave};
use crate::accept::Place;
use crate::auth::Caller;
use crate::stream::Stream;

/// Frames written by one call.
const SLICES_MAX: usize = 64;

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has said nothing yet and must by then (monotonic milliseconds).
    Hello { until_ms: u64 },
    /// It has said `hello`; its snapshot is being read or was.
    Open(Caller),
    /// It gets back what it says, for the conformance suite.
    #[cfg(feature = "conformance")]
    Echo,
    /// A close frame is on its way; the socket ends by then whatever the client does.
    Closing { until_ms: u64 },
}

/// In which form a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Socket,
    /// As an event stream, with a sign of life at this time (monotonic milliseconds).
    Events {
        framing: Framing,
        beat_ms: u64,
    },
}

impl Form {
    fn of(self, frame: Bytes) -> Bytes {
        match self {
            Self::Socket => frame,
            Self::Events { framing, .. } => stream::piece(&frame, framing),
        }
    }
}

/// A WebSocket, or an event stream, that a shard owns.
#[derive(Debug)]
pub(super) struct Socket {
    pub generation: u32,
    pub stream: Rc<Stream>,
    pub form: Form,
    pub stage: Stage,
    /// Its place among those of its address that have shown no token yet.
    pub place: Option<Rc<Place>>,
    /// Commands that the writer has and has not answered.
    pub in_flight: u32,
    /// The reading task has something of this connection that it has not handed on.
    pub holds: bool,
    /// Wakes the reading task when an answer came while it waited for one.
    pub answered: Rc<Notify>,
    pub chain: Chain,
    outbox: Option<Box<Outbox<Bytes>>>,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    /// All is with the kernel.
    Done,
    /// The socket is full: a task must wait until it is writable. Said once.
    Full,
    /// It waits behind what waits already.
    Queued,
    /// The reader is too far behind even for its replies.
    Overflow,
    /// The connection is gone.
    Broken,
}

impl Socket {
    pub(super) fn new(
        generation: u32,
        stream: Rc<Stream>,
        form: Form,
        place: Option<Rc<Place>>,
        until_ms: u64,
    ) -> Self {
        Self {
            generation,
            stream,
            form,
            stage: Stage::Hello { until_ms },
            place,
            in_flight: 0,
            holds: false,
            answered: Rc::default(),
            chain: Chain::default(),
            outbox: None,
        }
    }

    /// True once all that the client said is answered: nothing is with the writer, with the reading
    /// task or still unread in the kernel.
    pub(super) fn is_settled(&self) -> bool {
        self.in_flight == 0 && !self.holds && !self.stream.has_unread()
    }

    /// Whose it is, for the log.
    pub(super) fn session(&self) -> Option<SessionId> {
        match self.stage {
            Stage::Open(caller) => Some(caller.session),
            _ => None,
        }
    }

    /// Bytes that wait because the socket is full.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.bytes())
    }

    pub(super) fn is_full(&self) -> bool {
        self.outbox.is_some()
    }

    /// True while it will be told that it lags.
    pub(super) fn is_lagging(&self) -> bool {
        self.outbox.as_ref().is_some_and(|outbox| outbox.is_lagging())
    }

    /// What its outbox let go since this was last asked.
    pub(super) fn take_losses(&mut self) -> Losses {
        self.outbox.as_mut().map(|outbox| outbox.take_losses()).unwrap_or_default()
    }

    /// Writes what the wave has for this connection.
    pub(super) fn flush(&mut self, wave: &Wave) -> Flushed {
        let chain = std::mem::take(&mut self.chain);
        let mut frames = wave.frames(chain);
        if let Some(outbox) = &mut self.outbox {
            return queue(outbox, frames);
        }
        if let Some(only) = wave.only(chain) {
            return match self.stream.try_write(&only.0) {
                Ok(written) if written == only.0.len() => self.done(),
                Ok(written) => self.keep(std::iter::once(only), written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.keep(std::iter::once(only), 0)
                }
                Err(_) => Flushed::Broken,
            };
        }
        loop {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let mut batch = [const { None }; SLICES_MAX];
            let mut count = 0;
            while count < SLICES_MAX
                && let Some(entry) = frames.next()
            {
                slices[count] = IoSlice::new(&entry.0);
                batch[count] = Some(entry);
                count += 1;
            }
            if count == 0 {
                return self.done();
            }
            let total: usize = slices[..count].iter().map(|slice| slice.len()).sum();
            let written = match write(&self.stream, &slices[..count]) {
                Ok(written) if written == total => continue,
                Ok(written) => written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(_) => return Flushed::Broken,
            };
            let left = batch[..count].iter().flatten().copied().chain(frames);
            return self.keep(left, written);
        }
    }

    /// All is with the kernel, but for what TLS may still hold of it.
    fn done(&mut self) -> Flushed {
        if self.stream.holds_unsent() { self.keep(std::iter::empty(), 0) } else { Flushed::Done }
    }

    /// Starts an outbox with what the kernel did not take.
    fn keep<'a>(
        &mut self,
        frames: impl Iterator<Item = &'a (Bytes, Class)>,
        mut written: usize,
    ) -> Flushed {
        let mut outbox = Box::<Outbox<Bytes>>::default();
        for (bytes, class) in frames {
            if written >= bytes.len() {
                written -= bytes.len();
            } else if written > 0 {
                outbox.push_remainder(bytes.slice(written..));
                written = 0;
            } else if outbox.push(bytes.clone(), *class) == Pushed::Overflow {
                return Flushed::Overflow;
            }
        }
        self.outbox = Some(outbox);
        Flushed::Full
    }

    /// The socket is writable again: writes what waits. Once nothing does, the rooms in which the
    /// reader lags are named and it is live again; `stale` gets those whose ticks it was not told.
    pub(super) fn drain_outbox(&mut self, stale: &mut Vec<RoomId>) -> io::Result<bool> {
        let form = self.form;
        let Some(outbox) = &mut self.outbox else {
            return Ok(true);
        };
        loop {
            match self.stream.try_flush() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                flushed => flushed?,
            }
            if outbox.is_empty() {
                stale.extend(outbox.take_stale());
                let lagged = outbox.take_lagged();
                if lagged.is_empty() {
                    self.outbox = None;
                    return Ok(true);
                }
                for (room, head) in lagged {
                    outbox.push(form.of(encode::lagged_frame(room, head)), Class::Reply);
                }
            }
            let written = {
                let mut slices = [IoSlice::new(&[]); SLICES_MAX];
                let mut count = 0;
                for (slice, frame) in slices.iter_mut().zip(outbox.frames()) {
                    *slice = IoSlice::new(frame);
                    count += 1;
                }
                match write(&self.stream, &slices[..count]) {
                    Ok(written) => written,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                    Err(error) => return Err(error),
                }
            };
            forget(outbox, written);
        }
    }
}

/// Takes what was written out of the outbox.
fn forget(outbox: &mut Outbox<Bytes>, mut written: usize) {
    while written > 0 {
        let Some(frame) = outbox.pop() else { return };
        if frame.len() > written {
            outbox.push_remainder(frame.slice(written..));
            return;
        }
        written -= frame.len();
    }
}

fn queue<'a>(
    outbox: &mut Outbox<Bytes>,
    frames: impl Iterator<Item = &'a (Bytes, Class)>,
) -> Flushed {
    for (bytes, class) in frames {
        if outbox.push(bytes.clone(), *class) == Pushed::Overflow {
            return Flushed::Overflow;
        }
    }
    Flushed::Queued
}

fn write(stream: &Stream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    match slices {
        [one] => stream.try_write(one),
        many => stream.try_write_vectored(many),
    }
}
