//! A [`Sync`] that is kept connected.

use std::time::Duration;

use chinwag_proto::frame::{ClientFrame, ServerFrame};
use chinwag_proto::id::{Key, RoomId};
use tokio::time::Instant;

use super::{BackOff, Link, LinkError, fill, new_key};
use crate::sync::{Effect, Full, Sync};

/// Say `ping` when nothing was said for this long.
const PING_AFTER: Duration = Duration::from_secs(20);
/// A server that is silent for this long is gone.
const DEAD_AFTER: Duration = Duration::from_secs(30);

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
    back_off: BackOff,
    /// When [`Sync::retry`] is due, or without a link the next try.
    retry_at: Option<Instant>,
    /// When [`Sync::deliver`] is due.
    deliver_at: Option<Instant>,
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
            back_off: BackOff::default(),
            retry_at: None,
            deliver_at: None,
            said_at: now,
            heard_at: now,
        }
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
    /// `session.command(|sync| sync.read(room, seq))`.
    pub async fn command(&mut self, command: impl FnOnce(&mut Sync) -> Vec<Effect>) {
        let effects = command(&mut self.sync);
        if self.carry(&effects).await.is_err() {
            self.disconnect();
        }
    }

    /// Posts a message under a new key, which is returned.
    pub async fn send(&mut self, room: RoomId, text: String) -> Result<Key, Full> {
        let key = new_key();
        let effects = self.sync.send(room, key, text)?;
        self.command(|_| effects).await;
        Ok(key)
    }

    /// Waits for the next thing and does what it asks for. Errors are those that trying again does not
    /// mend: a token that is no longer good ([`Session::set_token`]), an address that is no server.
    pub async fn step(&mut self) -> Result<Came, LinkError> {
        let Some(link) = &mut self.link else {
            return self.connect().await;
        };
        let silent_at = (self.said_at + PING_AFTER).min(self.heard_at + DEAD_AFTER);
        let asked = [self.retry_at, self.deliver_at].into_iter().flatten().min();
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
            Err(error) if error.is_unauthorized() => {
                self.disconnect();
                Err(error)
            }
            Err(_) => {
                self.disconnect();
                Ok(Came::Disconnected)
            }
            done => done,
        }
    }

    async fn connect(&mut self) -> Result<Came, LinkError> {
        if let Some(at) = self.retry_at {
            tokio::time::sleep_until(at).await;
        }
        match Link::open(&self.address).await {
            Ok(link) => self.link = Some(link),
            Err(LinkError::Io(_)) => {
                self.disconnect();
                return Ok(Came::Disconnected);
            }
            Err(error) => return Err(error),
        }
        self.retry_at = None;
        self.heard_at = Instant::now();
        let effects = self.sync.connect(&self.token);
        if self.carry(&effects).await.is_err() {
            self.disconnect();
            return Ok(Came::Disconnected);
        }
        Ok(Came::Connected)
    }

    async fn heard(&mut self, frame: ServerFrame) -> Result<Came, LinkError> {
        self.heard_at = Instant::now();
        if let ServerFrame::Ready(_) = frame {
            self.back_off.reset();
        }
        let effects = self.sync.apply(frame.clone());
        self.carry(&effects).await?;
        Ok(Came::Frame(frame, effects))
    }

    async fn time(&mut self) -> Result<Came, LinkError> {
        let now = Instant::now();
        if now >= self.heard_at + DEAD_AFTER {
            return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
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
        let mut random = [0; 4];
        fill(&mut random);
        let wait = self.back_off.next(u32::from_ne_bytes(random));
        self.link = None;
        self.deliver_at = None;
        self.retry_at = Some(Instant::now() + wait);
        self.sync.disconnect();
    }
}
