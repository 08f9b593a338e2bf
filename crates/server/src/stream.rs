//! What the bytes of a connection come over: TCP alone, or TLS on it.
//!
//! One type for both doors. For TCP alone each call is one branch and then the system's, inlined where it
//! is called; all that TLS needs lies in a box of its own.

use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::net::Shutdown;

use socket2::SockRef;
use tokio::io::{Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::tls::session::Session;

#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<Session>),
}

impl Stream {
    #[inline]
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(session) => session.tcp(),
        }
    }

    /// Waits until there may be something to read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        if self.holds_unread() {
            return Ok(());
        }
        self.tcp().readable().await
    }

    /// Reads what there is. A read that did not fill its buffer took all: the next waits for the poller,
    /// and no call is made to learn that there is nothing. What came since wakes the poller anew.
    #[inline]
    pub(crate) fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => {
                let count = tcp.try_read(into)?;
                if count < into.len() {
                    is_drained(tcp);
                }
                Ok(count)
            }
            Self::Tls(session) => session.try_read(into),
        }
    }

    /// The same into a buffer that nobody has filled yet.
    #[inline]
    pub(crate) fn try_read_buf(&self, into: &mut ReadBuf<'_>) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => {
                let count = tcp.try_read_buf(into)?;
                if into.remaining() > 0 {
                    is_drained(tcp);
                }
                Ok(count)
            }
            Self::Tls(session) => {
                let count = session.try_read(into.initialize_unfilled())?;
                into.advance(count);
                Ok(count)
            }
        }
    }

    #[inline]
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write(bytes),
            Self::Tls(session) => session.try_write(&[IoSlice::new(bytes)]),
        }
    }

    #[inline]
    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write_vectored(slices),
            Self::Tls(session) => session.try_write(slices),
        }
    }

    /// Hands on what was written and is not with the kernel yet; `WouldBlock` where it is full.
    #[inline]
    pub(crate) fn try_flush(&self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(session) => session.try_flush(),
        }
    }

    /// True while something that was written is not with the kernel yet.
    #[inline]
    pub(crate) fn holds_unsent(&self) -> bool {
        matches!(self, Self::Tls(session) if session.holds_unsent())
    }

    #[inline]
    pub(crate) fn holds_unread(&self) -> bool {
        matches!(self, Self::Tls(session) if session.holds_unread())
    }

    /// Whether the peer has said something that was not read.
    pub(crate) fn has_unread(&self) -> bool {
        let peeked = || SockRef::from(self.tcp()).peek(&mut [MaybeUninit::uninit()]);
        self.holds_unread() || peeked().is_ok_and(|bytes| bytes > 0)
    }

    /// Says that nothing more comes.
    pub(crate) fn end(&self) -> io::Result<()> {
        if let Self::Tls(session) = self {
            // Where it cannot be said any more, the end of the TCP connection says it.
            let _ = session.say_goodbye();
        }
        SockRef::from(self.tcp()).shutdown(Shutdown::Write)
    }

    /// Ends it at once, both ways.
    pub(crate) fn cut(&self) {
        let _ = SockRef::from(self.tcp()).shutdown(Shutdown::Both);
    }
}

/// Tells the poller that there is nothing more to read for now.
#[inline]
pub(crate) fn is_drained(tcp: &TcpStream) {
    let nothing = || Err::<(), _>(ErrorKind::WouldBlock.into());
    let _ = tcp.try_io(Interest::READABLE, nothing);
}
