//! A [`Sync`] that is kept connected, and what it has to say, kept on disk where the caller wants it.

use std::time::Duration;

use chinwag_proto::frame::{ClientFrame, ServerFrame};
use chinwag_proto::id::{Key, RoomId, Seq};
use chinwag_proto::ws::CloseCode;
use tokio::time::Instant;

use super::http::answers;
use super::way::{Way, Ways};
use super::{BackOff, Link, LinkError, fill, new_key};
use crate::outbox::OutboxFile;
use crate::sync::{Command, Effect, Full, Kept, PENDING_MAX, Sync};

/// Say `ping` when nothing was said for this long.
const PING_AFTER: Duration = Duration::from_secs(20);
/// A server that is silent for this long is gone.
const DEAD_AFTER: Duration = Duration::from_secs(30);
/// A WebSocket that does not open within this time will not.
const OPEN_WITHIN: Duration = Duration::from_secs(10);

/// Why something cannot be said.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Full(#[from] Full),
    /// It could not be kept, so it is not said either.
    #[error("what is unsent cannot be kept")]
    Io(#[from] std::io::Error),
}

/// What a step of a session came to.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one lives at a time, in the loop that takes it")]
pub enum Came {
    /// A frame of the server was applied.
    Frame(ServerFrame, Vec<Effect>),
    /// A connection is there; `hello` was said.
    Connected,
    /// The connection broke. The next step waits and tries again.
    Disconnected,
    /// A time was over: something was said again, or a sign of life.
    Time,
}

/// One client with its state, over one connection after another.
#[derive(Debug)]
pub struct Session {
    address: String,
    token: String,
    sync: Sync,
    link: Option<Link>,
    ways: Ways,
    /// The connection was ready.
    is_ready: bool,
    /// A WebSocket came to nothing, and it is not known whether the server answers at all.
    is_in_doubt: bool,
    kept: Option<OutboxFile>,
    back_off: BackOff,
    /// When [`Sync::retry`] is due, or without a link the next try.
    retry_at: Option<Instant>,
    /// When [`Sync::deliver`] is due.
    deliver_at: Option<Instant>,
    /// The server is leaving: when to come back, whether or not it has closed by then.
    return_at: Option<Instant>,
    said_at: Instant,
    heard_at: Instant,
}

impl Session {
    /// A client of the server at `address` (`host:port`) with this access token. It connects with the
    /// first [`Session::step`].
    #[must_use]
    pub fn new(address: String, token: String, sync: Sync) -> Self {
        let now = Instant::now();
        Self {
            address,
            token,
            sync,
            link: None,
            ways: Ways::default(),
            is_ready: false,
            is_in_doubt: false,
            kept: None,
            back_off: BackOff::default(),
            retry_at: None,
            deliver_at: None,
            return_at: None,
            said_at: now,
            heard_at: now,
        }
    }

    /// The same, which keeps what is unsent in this file, and begins with what is in it.
    #[must_use]
    pub fn with_outbox(mut self, kept: OutboxFile) -> Self {
        self.sync.restore(kept.open().cloned());
        self.kept = Some(kept);
        self
    }

    /// The way of the connection that is there.
    #[must_use]
    pub fn way(&self) -> Option<Way> {
        self.link.as_ref().map(Link::way)
    }

    #[must_use]
    pub fn sync(&self) -> &Sync {
        &self.sync
    }

    /// From the next connection on, another access token.
    pub fn set_token(&mut self, token: String) {
        self.token = token;
    }

    /// Does something with the state, and says what that asks for if there is a connection:
    /// `session.command(|sync| sync.read(room, seq))`. What must not be lost goes by [`Session::send`] and
    /// [`Session::delete`].
    pub async fn command(&mut self, command: impl FnOnce(&mut Sync) -> Vec<Effect>) {
        let effects = command(&mut self.sync);
        self.settle();
        if self.carry(&effects).await.is_err() {
            self.disconnect();
        }
    }

    /// Posts a message under a new key, which is returned. It is on disk before anything of it is said.
    pub async fn send(&mut self, room: RoomId, text: String) -> Result<Key, SendError> {
        self.post(room, Command::Message { text }).await
    }

    /// Erases a message, in the same way.
    pub async fn delete(&mut self, room: RoomId, target: Seq) -> Result<Key, SendError> {
        self.post(room, Command::Deletion { target }).await
    }

    async fn post(&mut self, room: RoomId, command: Command) -> Result<Key, SendError> {
        let key = new_key();
        if self.sync.pending().len() >= PENDING_MAX {
            return Err(Full.into());
        }
        if let Some(kept) = &mut self.kept {
            kept.add(&Kept { room, key, command: command.clone() })?;
        }
        let effects = match command {
            Command::Message { text } => self.sync.send(room, key, text)?,
            Command::Deletion { target } => self.sync.delete(room, key, target)?,
        };
        self.command(|_| effects).await;
        Ok(key)
    }

    /// Gives up a command that was refused.
    pub fn discard(&mut self, key: Key) {
        self.sync.discard(key);
        self.settle();
    }

    /// Strikes off the file what is no longer pending. A line that is not written now, or lost with the
    /// power, costs no more than that it is said again under its key.
    fn settle(&mut self) {
        if let Some(kept) = &mut self.kept {
            let pending = self.sync.pending();
            if kept.len() != pending.len() {
                kept.settle(|key| pending.iter().any(|pending| pending.key == key));
            }
        }
    }

    /// Waits for the next thing and does what it asks for. Errors are those that trying again does not
    /// mend: a token that is no longer good ([`Session::set_token`]), an address that is no server.
    pub async fn step(&mut self) -> Result<Came, LinkError> {
        let Some(link) = &mut self.link else {
            return self.connect().await;
        };
        let silent_at = (self.said_at + PING_AFTER).min(self.heard_at + DEAD_AFTER);
        let asked = [self.retry_at, self.deliver_at, self.return_at].into_iter().flatten().min();
        let due = asked.map_or(silent_at, |asked| asked.min(silent_at));
        let came = tokio::select! {
            frame = link.receive() => frame.map(Some),
            () = tokio::time::sleep_until(due) => Ok(None),
        };
        let done = match came {
            Ok(Some(frame)) => self.heard(frame).await,
            Ok(None) => self.time().await,
            Err(error) => Err(error),
        };
        match done {
            Err(error) => {
                self.lost(&error);
                if error.is_unauthorized() { Err(error) } else { Ok(Came::Disconnected) }
            }
            done => done,
        }
    }

    async fn connect(&mut self) -> Result<Came, LinkError> {
        if let Some(at) = self.retry_at {
            tokio::time::sleep_until(at).await;
        }
        if self.is_in_doubt {
            self.ways.failed(Way::Socket, answers(&self.address).await);
            self.is_in_doubt = false;
        }
        match self.open().await {
            Ok(link) => self.link = Some(link),
            Err(error) => {
                // Who answers but takes no WebSocket may have a proxy in front that knows of none.
                let is_refused = matches!(error, LinkError::Refused(_));
                if is_refused && !answers(&self.address).await {
                    return Err(error);
                }
                self.lost(&error);
                return Ok(Came::Disconnected);
            }
        }
        self.is_ready = false;
        self.retry_at = None;
        self.heard_at = Instant::now();
        let effects = self.sync.connect(&self.token);
        if let Err(error) = self.carry(&effects).await {
            self.lost(&error);
            return Ok(Came::Disconnected);
        }
        Ok(Came::Connected)
    }

    async fn open(&mut self) -> Result<Link, LinkError> {
        if self.ways.next(Instant::now()) == Way::Stream {
            return Ok(Link::by_stream(&self.address));
        }
        let timed_out = |_| std::io::Error::from(std::io::ErrorKind::TimedOut).into();
        let opened = tokio::time::timeout(OPEN_WITHIN, Link::open(&self.address)).await;
        opened.map_err(timed_out).and_then(|link| link)
    }

    /// The connection ended, or there was none. One that never was ready says something about its way,
    /// unless the server itself ended it.
    fn lost(&mut self, why: &LinkError) {
        let way = self.way().unwrap_or(Way::Socket);
        let by_server = matches!(why, LinkError::Closed { code: Some(_), .. });
        if !self.is_ready && !by_server {
            match way {
                Way::Socket => self.is_in_doubt = true,
                Way::Stream => self.ways.failed(way, false),
            }
        }
        self.disconnect();
    }

    async fn heard(&mut self, frame: ServerFrame) -> Result<Came, LinkError> {
        self.heard_at = Instant::now();
        if let ServerFrame::Ready(_) = frame {
            self.back_off.reset();
            self.is_ready = true;
            self.ways.ready(self.way().unwrap_or(Way::Socket));
        }
        if let ServerFrame::Drain(drain) = &frame {
            let within = Duration::from_millis(drain.within_ms);
            self.return_at =
                Some(Instant::now() + within.mul_f64(f64::from(random()) / f64::from(u32::MAX)));
        }
        let effects = self.sync.apply(frame.clone());
        self.settle();
        self.carry(&effects).await?;
        Ok(Came::Frame(frame, effects))
    }

    async fn time(&mut self) -> Result<Came, LinkError> {
        let now = Instant::now();
        if now >= self.heard_at + DEAD_AFTER {
            return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
        }
        if self.return_at.is_some_and(|return_at| return_at <= now) {
            let (code, reason) = (Some(CloseCode::RESTART), "the server is leaving".to_owned());
            return Err(LinkError::Closed { code, reason });
        }
        if self.retry_at.is_some_and(|retry_at| retry_at <= now) {
            self.retry_at = None;
            let effects = self.sync.retry();
            self.carry(&effects).await?;
        } else if self.deliver_at.is_some_and(|deliver_at| deliver_at <= now) {
            self.deliver_at = None;
            let effects = self.sync.deliver();
            self.carry(&effects).await?;
        } else {
            self.carry(&[Effect::Send(ClientFrame::Ping)]).await?;
        }
        Ok(Came::Time)
    }

    async fn carry(&mut self, effects: &[Effect]) -> Result<(), LinkError> {
        for effect in effects {
            match (effect, &mut self.link) {
                (Effect::Send(frame), Some(link)) => {
                    link.send(frame).await?;
                    self.said_at = Instant::now();
                }
                (&Effect::Retry { after_ms }, _) => {
                    let at = Instant::now() + Duration::from_millis(after_ms);
                    self.retry_at = Some(self.retry_at.map_or(at, |other| other.min(at)));
                }
                (&Effect::Deliver { after_ms }, _) => {
                    self.deliver_at = Some(Instant::now() + Duration::from_millis(after_ms));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn disconnect(&mut self) {
        let return_at = self.return_at.take();
        self.link = None;
        self.is_ready = false;
        self.deliver_at = None;
        self.retry_at = return_at.or_else(|| Some(Instant::now() + self.back_off.next(random())));
        self.sync.disconnect();
    }
}

fn random() -> u32 {
    let mut random = [0; 4];
    fill(&mut random);
    u32::from_ne_bytes(random)
}
