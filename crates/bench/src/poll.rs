//! Which sockets have something for us: epoll, level-triggered.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

/// Sockets served in one wake-up; the others come in the next.
const EVENTS_MAX: usize = 1_024;

/// One socket that is ready.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    /// The number that the socket was added with.
    pub(crate) token: usize,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

/// An epoll instance and the events of its last wake-up.
pub(crate) struct Poll {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl fmt::Debug for Poll {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Poll").field("epoll", &self.epoll).finish_non_exhaustive()
    }
}

impl Poll {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Self { epoll, events: Vec::with_capacity(EVENTS_MAX) })
    }

    /// Watches a socket for bytes to read.
    pub(crate) fn add(&self, source: impl AsFd, token: usize) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, source, EventData::new_u64(token as u64), EventFlags::IN)?)
    }

    /// Watches a socket for room to write, too, or no more.
    pub(crate) fn want_writable(
        &self,
        source: impl AsFd,
        token: usize,
        wanted: bool,
    ) -> io::Result<()> {
        let flags = if wanted { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        Ok(epoll::modify(&self.epoll, source, EventData::new_u64(token as u64), flags)?)
    }

    /// Lets a socket be until [`want_writable`](Self::want_writable) says otherwise.
    pub(crate) fn want_nothing(&self, source: impl AsFd, token: usize) -> io::Result<()> {
        let data = EventData::new_u64(token as u64);
        Ok(epoll::modify(&self.epoll, source, data, EventFlags::empty())?)
    }

    /// Waits for sockets and says how many are ready; without a time-out, for ever.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<usize> {
        let timeout = timeout.map(|time| Timespec {
            tv_sec: time.as_secs().cast_signed(),
            tv_nsec: time.subsec_nanos().into(),
        });
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout.as_ref()) {
            Ok(_) => Ok(self.events.len()),
            Err(Errno::INTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// One of the sockets that [`wait`](Self::wait) counted.
    pub(crate) fn ready(&self, at: usize) -> Ready {
        let Event { flags, data, .. } = self.events[at];
        // A connection that ended is found out by reading.
        let to_read = EventFlags::IN | EventFlags::HUP | EventFlags::ERR;
        Ready {
            token: data.u64() as usize,
            readable: flags.intersects(to_read),
            writable: flags.contains(EventFlags::OUT),
        }
    }
}
