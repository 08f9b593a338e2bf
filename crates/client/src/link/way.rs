//! Which way to the server: a WebSocket, or an event stream where WebSockets are broken on the way.
//! The web app's twin is `web/src/api/way.ts`.

use std::time::Duration;

use tokio::time::Instant;

/// So many WebSockets that came to nothing, though the server answers, and they are taken for broken.
const BROKEN_AT: u32 = 2;
/// A WebSocket is tried again this long after the last: one may have come to another network.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(300);

/// A way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Socket,
    Stream,
}

/// What is known of the ways, from one connection to the next.
#[derive(Debug, Default)]
pub(super) struct Ways {
    broken: u32,
    tried_at: Option<Instant>,
}

impl Ways {
    /// The way of the next connection.
    pub(super) fn next(&mut self, now: Instant) -> Way {
        let is_fresh = self.tried_at.is_some_and(|at| now < at + TRY_AGAIN_AFTER);
        if self.broken >= BROKEN_AT && is_fresh {
            return Way::Stream;
        }
        self.tried_at = Some(now);
        Way::Socket
    }

    /// A connection became ready.
    pub(super) fn ready(&mut self, way: Way) {
        if way == Way::Socket {
            self.broken = 0;
        }
    }

    /// A connection ended before it was ready. Of a WebSocket that says something only where the server
    /// `answers` a request at the same time.
    pub(super) fn failed(&mut self, way: Way, answers: bool) {
        match way {
            Way::Socket if answers => self.broken = (self.broken + 1).min(BROKEN_AT),
            Way::Socket => {}
            Way::Stream => self.broken = BROKEN_AT - 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_is_taken_where_two_websockets_failed_and_the_server_answers() {
        let (mut ways, now) = (Ways::default(), Instant::now());
        assert_eq!(ways.next(now), Way::Socket);
        ways.failed(Way::Socket, true);
        assert_eq!(ways.next(now), Way::Socket);
        ways.failed(Way::Socket, false);
        assert_eq!(ways.next(now), Way::Socket, "nobody was there");
        ways.failed(Way::Socket, true);
        assert_eq!(ways.next(now), Way::Stream);
        ways.ready(Way::Stream);
        assert_eq!(ways.next(now), Way::Stream, "known to be broken");
        let later = now + TRY_AGAIN_AFTER;
        assert_eq!(ways.next(later), Way::Socket);
        ways.failed(Way::Socket, true);
        assert_eq!(ways.next(later), Way::Stream, "once is enough then");
        ways.failed(Way::Stream, false);
        assert_eq!(ways.next(later), Way::Socket, "the stream does no better");
        ways.ready(Way::Socket);
        ways.failed(Way::Socket, true);
        assert_eq!(ways.next(later), Way::Socket, "it works after all");
    }
}
