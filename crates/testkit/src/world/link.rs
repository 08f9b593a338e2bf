//! A connection: two pipes that keep the order, until they are cut. Towards the client stands a
//! socket that holds little, and before it the real outbox.

use std::collections::VecDeque;
use std::rc::Rc;

use chinwag_core::event::ConnId;
use chinwag_core::hub::Input;
use chinwag_core::outbox::{Class, Outbox, Pushed};
use chinwag_proto::frame::{ClientFrame, Lagged, ServerFrame};

use super::bug::Bug;
use super::{Happening, World};

/// Frames that the kernels on both sides hold.
const SOCKET_FRAMES: usize = 4;
/// An event weighs so much that a handful fills the outbox (1 MiB); a reply hardly anything.
const EVENT_BYTES: usize = 150_000;
const REPLY_BYTES: usize = 100;

static WEIGHT: [u8; EVENT_BYTES] = [0; EVENT_BYTES];

/// A frame with a weight in place of its bytes.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    frame: Rc<ServerFrame>,
    bytes: usize,
}

impl AsRef<[u8]> for Parcel {
    fn as_ref(&self) -> &[u8] {
        &WEIGHT[..self.bytes]
    }
}

/// One connection between a device and a node.
#[derive(Debug)]
pub(super) struct Link {
    pub device: usize,
    pub life: u16,
    pub node: usize,
    pub boot: u32,
    /// The place in the node's table, once it has said `hello`.
    pub conn: Option<ConnId>,
    /// Bytes flow; false once it is cut, whoever has noticed.
    pub open: bool,
    /// The client has not noticed the end.
    pub client_open: bool,
    /// The reader takes so long for each frame.
    pub slow_ms: u64,
    up: VecDeque<ClientFrame>,
    up_moving: bool,
    socket: VecDeque<Rc<ServerFrame>>,
    down_moving: bool,
    /// All goes through the outbox until it is empty and nothing is left to be said of lagging.
    full: bool,
    outbox: Outbox<Parcel>,
}

impl Link {
    pub(super) fn new(device: usize, life: u16, node: usize, boot: u32, slow_ms: u64) -> Self {
        Self {
            device,
            life,
            node,
            boot,
            conn: None,
            open: true,
            client_open: true,
            slow_ms,
            up: VecDeque::new(),
            up_moving: false,
            socket: VecDeque::new(),
            down_moving: false,
            full: false,
            outbox: Outbox::default(),
        }
    }
}

impl World {
    /// The client says something.
    pub(super) fn say(&mut self, link: usize, frame: ClientFrame) {
        if !self.links[link].open {
            return;
        }
        self.links[link].up.push_back(frame);
        self.move_up(link);
    }

    fn move_up(&mut self, link: usize) {
        let moving = &mut self.links[link];
        if moving.up_moving || moving.up.is_empty() {
            return;
        }
        moving.up_moving = true;
        let delay_ms = self.random.below(4);
        self.after(delay_ms, Happening::ToServer { link });
    }

    pub(super) fn upstream(&mut self, link: usize) {
        self.links[link].up_moving = false;
        if !self.links[link].open {
            return;
        }
        if let Some(frame) = self.links[link].up.pop_front() {
            self.serve(link, frame);
        }
        self.move_up(link);
    }

    /// The node writes to the client: straight, or behind what waits.
    pub(super) fn write(&mut self, link: usize, frame: Rc<ServerFrame>, class: Class) {
        let to = &mut self.links[link];
        if !to.open {
            return;
        }
        if !to.full && to.socket.len() < SOCKET_FRAMES {
            to.socket.push_back(frame);
        } else {
            to.full = true;
            let bytes = if class == Class::Reply { REPLY_BYTES } else { EVENT_BYTES };
            if to.outbox.push(Parcel { frame, bytes }, class) == Pushed::Overflow {
                return self.cut(link);
            }
        }
        self.move_down(link);
    }

    fn move_down(&mut self, link: usize) {
        let moving = &mut self.links[link];
        if moving.down_moving || moving.socket.is_empty() {
            return;
        }
        moving.down_moving = true;
        let delay_ms = moving.slow_ms + self.random.below(3);
        self.after(delay_ms, Happening::ToClient { link });
    }

    pub(super) fn downstream(&mut self, link: usize) {
        self.links[link].down_moving = false;
        if !self.links[link].open {
            return;
        }
        let frame = self.links[link].socket.pop_front();
        self.drain(link);
        self.move_down(link);
        if let Some(frame) = frame {
            self.hear(link, &frame);
        }
    }

    /// The socket has room: what waits moves on. Once nothing does, the rooms are named in which the
    /// reader lags, and it is live again.
    fn drain(&mut self, link: usize) {
        let to = &mut self.links[link];
        while to.full && to.socket.len() < SOCKET_FRAMES {
            if let Some(parcel) = to.outbox.pop() {
                to.socket.push_back(parcel.frame);
                continue;
            }
            for room in to.outbox.take_stale() {
                if self.bug != Some(Bug::ReceiptDropped) {
                    self.nodes[to.node].receipt_missed(room);
                }
            }
            let lagged = to.outbox.take_lagged();
            to.full = !lagged.is_empty();
            for (room, head_seq) in lagged {
                self.counts.lagged += 1;
                if self.bug == Some(Bug::LostLagFlag) {
                    continue;
                }
                let frame = Rc::new(ServerFrame::Lagged(Lagged { room, head_seq }));
                to.outbox.push(Parcel { frame, bytes: REPLY_BYTES }, Class::Reply);
            }
        }
    }

    /// The connection breaks; each side notices in its own time.
    pub(super) fn cut(&mut self, link: usize) {
        let gone = &mut self.links[link];
        if !gone.open {
            return;
        }
        gone.open = false;
        self.counts.cuts += 1;
        gone.up.clear();
        gone.socket.clear();
        gone.outbox = Outbox::default();
        let (server_ms, client_ms) = (self.random.below(1_500), self.random.below(300));
        self.after(server_ms, Happening::ServerNotices { link });
        self.after(client_ms, Happening::ClientNotices { link });
    }

    pub(super) fn server_notices(&mut self, link: usize) {
        let Link { node, boot, .. } = self.links[link];
        if !self.is_up(node, boot) {
            return;
        }
        if let Some(conn) = self.links[link].conn.take() {
            self.nodes[node].vacate(conn);
            self.handle(node, Input::Closed { conn });
        }
    }

    pub(super) fn client_notices(&mut self, link: usize) {
        let Link { device, life, client_open, .. } = self.links[link];
        if client_open {
            self.links[link].client_open = false;
            self.disconnected(device, life);
        }
    }

    pub(super) fn heard(&mut self, link: usize) {
        let Link { node, conn, open, .. } = self.links[link];
        if let (true, Some(conn)) = (open, conn) {
            self.handle(node, Input::Heard { conn });
        }
    }
}
