//! TLS on the main port.
//!
//! [`certificates`] is what clients are shown; it comes from [`files`] of one's own or from an authority by
//! [`acme`]. [`session`] is one connection.

mod acme;
mod certificates;
mod files;
pub(crate) mod session;
mod validity;

use std::io::{self, ErrorKind};
use std::sync::Arc;

use chinwag_core::limit::{HANDSHAKE_WITHIN, HANDSHAKES_AT_ONCE_MAX};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::signal::unix::Signal;
use tokio::sync::Semaphore;

use crate::config::{Config, Tls};
use acme::Acme;
use certificates::Certificates;
use files::Files;
use session::Session;

/// From where the certificate comes, now and later.
#[derive(Debug)]
pub(crate) enum Source {
    Files(Files),
    Acme(Acme),
}

impl Source {
    /// The certificate that is there, and what handshakes go by.
    pub(crate) fn open(config: &Config, tls: &Tls) -> anyhow::Result<(Self, Arc<ServerConfig>)> {
        let certificates = Certificates::none(config.public_url.as_ref());
        let by = certificates.server_config()?;
        let source = match tls {
            Tls::Files(files) => Self::Files(Files::load(files, certificates)?),
            Tls::Acme(acme) => Self::Acme(Acme::load(acme, &config.data, certificates)?),
        };
        Ok((source, by))
    }

    /// Keeps it good, for as long as the server lives.
    pub(crate) async fn keep(self, hang_up: Signal) {
        match self {
            Self::Files(files) => files.watch(hang_up).await,
            Self::Acme(acme) => acme.keep(hang_up).await,
        }
    }
}

/// Brings a shard's connections through the handshake.
#[derive(Debug)]
pub(crate) struct Handshakes {
    config: Arc<ServerConfig>,
    at_once: Semaphore,
}

/// What a client that has come to a port of TLS turned out to speak.
pub(crate) enum Opened {
    Tls(Box<Session>),
    /// HTTP without TLS: nothing of it was read.
    Http(TcpStream),
}

impl Handshakes {
    pub(crate) fn new(config: Arc<ServerConfig>) -> Self {
        Self { config, at_once: Semaphore::new(HANDSHAKES_AT_ONCE_MAX) }
    }

    /// Waits for the client's first byte and then, with so many others at most, for the end of the
    /// handshake. All of it has [`HANDSHAKE_WITHIN`].
    pub(crate) async fn open(&self, tcp: TcpStream) -> io::Result<Opened> {
        let opened = async {
            let mut first = [0];
            tcp.peek(&mut first).await?;
            // A method begins with a letter, a handshake with 22 (RFC 8446, 5.1).
            if first[0].is_ascii_uppercase() {
                return Ok(Opened::Http(tcp));
            }
            let _permit = self.at_once.acquire().await.map_err(io::Error::other)?;
            Ok(Opened::Tls(Session::open(tcp, Arc::clone(&self.config)).await?))
        };
        let opened = tokio::time::timeout(HANDSHAKE_WITHIN, opened).await;
        opened.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
    }
}
