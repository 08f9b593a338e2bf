//! What a drain must know of an HTTP connection: whether anything of it is in hand.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::clock;
use crate::stream::Stream;

/// A connection's signs of life, for the one who wants to close it.
#[derive(Debug)]
pub(super) struct Pulse {
    /// Requests that are not answered to the last byte of their bodies.
    answering: Cell<u32>,
    /// Something came after the last answer: a request, or the beginning of one.
    heard: Cell<bool>,
    /// The peer does not take what is written.
    stuck: Cell<bool>,
    /// When bytes last came or went.
    moved_ms: Cell<u64>,
}

impl Pulse {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            answering: Cell::new(0),
            heard: Cell::new(false),
            stuck: Cell::new(false),
            moved_ms: Cell::new(clock::monotonic_ms()),
        })
    }

    /// True while the connection only waits for a next request.
    pub(super) fn is_idle(&self) -> bool {
        self.answering.get() == 0 && !self.heard.get() && !self.stuck.get()
    }

    pub(super) fn moved_ms(&self) -> u64 {
        self.moved_ms.get()
    }

    fn moved(&self, heard: bool) {
        self.heard.set(heard);
        self.moved_ms.set(clock::monotonic_ms());
    }
}

/// A request that is being answered, until this is dropped.
pub(super) struct Answering(Rc<Pulse>);

impl Answering {
    pub(super) fn begin(pulse: &Rc<Pulse>) -> Self {
        pulse.answering.set(pulse.answering.get() + 1);
        Self(Rc::clone(pulse))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.set(self.0.answering.get() - 1);
    }
}

/// An answer's body, which is being answered with for as long as there is more of it.
pub(super) struct Answer {
    pub(super) body: Body,
    pub(super) _answering: Answering,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection whose bytes give it a pulse.
pub(super) struct Watched {
    pub(super) stream: Rc<Stream>,
    pub(super) pulse: Rc<Pulse>,
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if !self.stream.holds_unread() {
                ready!(self.stream.tcp().poll_read_ready(context))?;
            }
            match self.stream.try_read_buf(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(count) => {
                    self.pulse.moved(count > 0);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl Watched {
    fn poll_with(
        &self,
        context: &mut Context<'_>,
        write: impl Fn(&Stream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let writable = self.stream.tcp().poll_write_ready(context);
            self.pulse.stuck.set(writable.is_pending());
            ready!(writable)?;
            match write(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(count) => {
                    self.pulse.moved(false);
                    return Poll::Ready(Ok(count));
                }
            }
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(context, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.stream.holds_unsent() {
            return Poll::Ready(Ok(()));
        }
        self.poll_with(context, |stream| stream.try_flush().map(|()| 0)).map_ok(|_| ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(context))?;
        Poll::Ready(self.stream.end())
    }
}
