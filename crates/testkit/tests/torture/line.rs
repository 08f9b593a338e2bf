//! A tab's way to the server: a WebSocket, or the real client's event stream.

use std::io;
use std::net::SocketAddr;

use chinwag_client::link::{Link, LinkError};
use chinwag_proto::frame::ClientFrame;

use crate::socket::{Heard, Socket};

/// Which way a tab takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    /// A WebSocket whose system holds so many bytes unread.
    Socket(Option<u32>),
    Stream,
}

pub(crate) enum Line {
    Socket(Box<Socket>),
    Stream(Link),
}

impl Line {
    pub(crate) async fn open(address: SocketAddr, by: By) -> io::Result<Self> {
        Ok(match by {
            By::Socket(bytes) => Self::Socket(Box::new(Socket::open(address, bytes).await?)),
            By::Stream => Self::Stream(Link::by_stream(&address.to_string())),
        })
    }

    /// Queues a frame.
    pub(crate) async fn say(&mut self, frame: &ClientFrame) -> io::Result<()> {
        match self {
            Self::Socket(socket) => socket.say(frame),
            Self::Stream(link) => link.send(frame).await.map_err(io::Error::other),
        }
    }

    /// True where all that was said is with the system. What a stream's client says waits for the answer
    /// to what it said before.
    pub(crate) fn is_flushed(&self) -> bool {
        matches!(self, Self::Socket(socket) if socket.is_flushed())
    }

    /// Waits until something comes (where `reading`) or leaves. May be dropped while it waits.
    pub(crate) async fn turn(&mut self, reading: bool, heard: &mut Vec<Heard>) -> io::Result<()> {
        match self {
            Self::Socket(socket) => socket.turn(reading, heard).await,
            Self::Stream(link) if reading => match link.receive().await {
                Ok(frame) => {
                    heard.push(Heard::Frame(Box::new(frame)));
                    Ok(())
                }
                Err(LinkError::Closed { code, .. }) => {
                    heard.push(Heard::Closed(code));
                    Ok(())
                }
                Err(error) => Err(io::Error::other(error)),
            },
            Self::Stream(_) => std::future::pending().await,
        }
    }
}
