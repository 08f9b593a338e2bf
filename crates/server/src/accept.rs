//! The accept loop: every connection comes in here, and is given to a shard in turn.
//!
//! `axum::serve` has no header timeout, no limit of connections and no drain, so this is ours.
//! What happens on a connection is in [`http1`].

pub(crate) mod http1;
mod pulse;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chinwag_core::limit::{CONNECTIONS_MAX, STALLED_AFTER};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::app::App;
use crate::shard::inbox::{Accepted, Counted, Door, ToShard};
use crate::throttle::network;

/// How long the loop rests when the system has no descriptor left.
const EXHAUSTED_REST: Duration = Duration::from_millis(100);

/// How far the server is with its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Serving,
    /// It answers what has arrived and takes nothing new.
    Draining,
    /// What is not answered now never is.
    Over,
}

/// How many the system lets in before the server takes them: those who come back all at once after a
/// restart.
const BACKLOG: i32 = 4096;

/// A port that is listened on.
#[derive(Debug)]
pub(crate) struct Port {
    listener: StdListener,
    /// Somebody else keeps it open when this server has ended.
    kept: bool,
}

impl Port {
    pub(crate) fn open(address: SocketAddr) -> std::io::Result<Self> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        prepare(&SockRef::from(&socket))?;
        Ok(Self { listener: socket.into(), kept: false })
    }

    /// Takes a port that somebody has opened who keeps it open, such as a service manager
    /// (`sd_listen_fds(3)`): who knocks between two servers waits for the next one.
    pub(crate) fn adopt(listener: StdListener) -> std::io::Result<Self> {
        prepare(&SockRef::from(&listener))?;
        Ok(Self { listener, kept: true })
    }

    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Every connection inherits the time within which its peer must take what is sent: past it the
/// kernel ends the connection, also where the peer is there and its window stays shut (`tcp(7)`,
/// `TCP_USER_TIMEOUT`), so that an answer that nobody reads is not held for ever.
fn prepare(socket: &SockRef<'_>) -> std::io::Result<()> {
    socket.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(STALLED_AFTER))?;
    socket.listen(BACKLOG)
}

/// Gives each new connection to a shard, in turn, until the server drains. Then a port that is kept is
/// left to the next server, with its backlog. Else nobody new comes in, and who is in the backlog is
/// served until the drain is over.
pub(crate) async fn run(app: Arc<App>, door: Door, port: Port, mut phase: watch::Receiver<Phase>) {
    let listener = match TcpListener::from_std(port.listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the port cannot be polled"),
    };
    let mut turn = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => take(&app, &mut turn, door, stream, peer),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted for a moment");
                    app.metrics.accepts_refused.inc();
                    tokio::time::sleep(EXHAUSTED_REST).await;
                }
            },
            changed = phase.changed() => match *phase.borrow_and_update() {
                Phase::Draining if changed.is_ok() && !port.kept => admit_nobody_new(&listener),
                _ => return,
            },
        }
    }
}

fn take(app: &Arc<App>, turn: &mut usize, door: Door, stream: TcpStream, peer: SocketAddr) {
    let inboxes = app.shards.inboxes();
    if app.shards.connections() >= CONNECTIONS_MAX {
        app.metrics.accepts_refused.inc();
        return;
    }
    let _ = stream.set_nodelay(true);
    let Ok(stream) = stream.into_std() else {
        return;
    };
    let (peer, counted) = (peer.ip().to_canonical(), Counted::new(&app.shards));
    let accepted = Accepted { door, stream, peer, counted };
    let taken = inboxes[*turn].push(ToShard::Accepted(accepted));
    let counter = if taken { &app.metrics.accepted } else { &app.metrics.accepts_refused };
    counter.inc();
    *turn = (*turn + 1) % inboxes.len();
}

/// Has the system drop what would begin a connection (a TCP segment with SYN and without ACK), and let
/// pass what completes one that has begun. Without it there is always someone who was let in by the
/// system after the last `accept`, has sent a request, and is reset when the port closes; so they knock
/// again after a second, and find the port closed or the server that comes after this one.
#[cfg(target_os = "linux")]
fn admit_nobody_new(listener: &TcpListener) {
    use socket2::SockFilter;
    // What of classic BPF is needed (linux/bpf_common.h): the first byte of a segment is its offset 0.
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const FLAGS_AT: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    let program = [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS_AT),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ];
    if let Err(error) = SockRef::from(listener).attach_filter(&program) {
        tracing::warn!(%error, "who connects during the drain may be cut off");
    }
}

#[cfg(not(target_os = "linux"))]
fn admit_nobody_new(_: &TcpListener) {}

fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A place among the connections of one network, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    pending: Rc<RefCell<HashMap<IpAddr, usize>>>,
    network: IpAddr,
}

impl Place {
    fn take(
        pending: &Rc<RefCell<HashMap<IpAddr, usize>>>,
        address: IpAddr,
        max: usize,
    ) -> Option<Self> {
        let mut all = pending.borrow_mut();
        let network = network(address);
        let count = all.entry(network).or_insert(0);
        if *count >= max && !address.is_loopback() {
            return None;
        }
        *count += 1;
        drop(all);
        Some(Self { pending: Rc::clone(pending), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.pending.borrow_mut();
        if let Some(count) = all.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Write as _};
    use std::net::TcpStream as StdStream;

    use super::*;

    /// The kernel keeps the promise that [`listen`] relies on: a peer that is there and reads nothing
    /// is given up. What is inherited is asked for; the wait itself is shortened.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_peer_that_takes_nothing_is_given_up() {
        let Port { listener, .. } = Port::open(([127, 0, 0, 1], 0).into()).expect("a port");
        let silent = StdStream::connect(listener.local_addr().expect("an address"));
        listener.set_nonblocking(false).expect("it may wait");
        let (mut stream, _) = listener.accept().expect("a connection");
        let inherited = SockRef::from(&stream).tcp_user_timeout().expect("an option");
        assert_eq!(inherited, Some(STALLED_AFTER));

        let soon = Some(Duration::from_millis(300));
        SockRef::from(&stream).set_tcp_user_timeout(soon).expect("an option");
        let ended = loop {
            if let Err(error) = stream.write_all(&[0; 64 * 1024]) {
                break error;
            }
        };
        assert_eq!(ended.kind(), ErrorKind::TimedOut, "{ended}");
        drop(silent);
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let pending = Rc::default();
        let take = |last: u8| Place::take(&pending, IpAddr::from([192, 0, 2, last]), 2);
        let (first, second) = (take(1), take(1));
        assert!(first.is_some() && second.is_some() && take(1).is_none());
        assert!(take(2).is_some(), "another address");
        drop(first);
        assert!(take(1).is_some());
        let v6 = |end| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, end]);
        let of_one_network = [1, 2, 3].map(|end| Place::take(&pending, v6(end), 2).is_some());
        assert_eq!(of_one_network, [true, true, true], "each was given back");
        let kept = [1, 2].map(|end| Place::take(&pending, v6(end), 2));
        assert!(kept.iter().all(Option::is_some) && Place::take(&pending, v6(3), 2).is_none());
        let near = IpAddr::from([127, 0, 0, 1]);
        let all: Vec<_> = (0..9).map(|_| Place::take(&pending, near, 2)).collect();
        assert!(all.iter().all(Option::is_some), "loopback is a proxy or oneself");
    }
}
