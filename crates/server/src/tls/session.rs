//! One TLS connection on a socket that is never waited for here.
//!
//! rustls is used without buffers of its own: what is read and written goes through two buffers that
//! all connections of a thread share. One that rests holds keys and no bytes: a session owns a buffer
//! only while half a record has come, or while the kernel does not take what is due.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, UnbufferedStatus};
use tokio::net::TcpStream;

use crate::stream::is_drained;

/// Bytes of ciphertext in one buffer: what may wait of a handshake (64 KiB), or four records.
const CIPHER_BYTES: usize = 72 * 1024;
/// Bytes read at once: with half a record before them they fit a buffer, and the plaintext in them
/// fits the buffer into which a shard reads.
const READ_BYTES: usize = 32 * 1024;
/// Bytes encrypted for one write: three full records (RFC 8446, 5.1), which fit a buffer.
const WRITE_BYTES: usize = 48 * 1024;

thread_local! {
    static CIPHER: RefCell<Box<[u8]>> = RefCell::new(vec![0; CIPHER_BYTES].into());
    static PLAIN: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(WRITE_BYTES));
}

/// A socket and the TLS on it.
pub(crate) struct Session {
    tcp: TcpStream,
    state: RefCell<State>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("tcp", &self.tcp).finish_non_exhaustive()
    }
}

struct State {
    tls: UnbufferedServerConnection,
    /// The beginning of a record, or of a message of the handshake.
    begun: Vec<u8>,
    /// Plaintext for which its reader had no room.
    unread: Vec<u8>,
    /// Ciphertext that the kernel did not take.
    unsent: Vec<u8>,
    /// The client has said that nothing more comes.
    is_over: bool,
}

impl Session {
    /// Goes through the handshake. A client that breaks the rules is told so before this fails.
    pub(super) async fn open(tcp: TcpStream, config: Arc<ServerConfig>) -> io::Result<Box<Self>> {
        let tls = UnbufferedServerConnection::new(config).map_err(broken)?;
        let state = State {
            tls,
            begun: Vec::new(),
            unread: Vec::new(),
            unsent: Vec::new(),
            is_over: false,
        };
        let session = Box::new(Self { tcp, state: RefCell::new(state) });
        loop {
            session.tcp.readable().await?;
            session.advance(&mut []).map(drop).or_else(unless_full)?;
            session.flushed().await?;
            let State { tls, is_over, .. } = &*session.state.borrow();
            // All that a client has to say may come with the end of its handshake, and its own end.
            match (tls.is_handshaking(), is_over) {
                (false, _) => break,
                (true, true) => return Err(ErrorKind::UnexpectedEof.into()),
                (true, false) => {}
            }
        }
        Ok(session)
    }

    async fn flushed(&self) -> io::Result<()> {
        loop {
            match self.try_flush() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.tcp.writable().await?,
                other => return other,
            }
        }
    }

    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    pub(crate) fn holds_unread(&self) -> bool {
        !self.state.borrow().unread.is_empty()
    }

    pub(crate) fn holds_unsent(&self) -> bool {
        !self.state.borrow().unsent.is_empty()
    }

    /// Reads plaintext; 0 at the end.
    pub(crate) fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            {
                let state = &mut *self.state.borrow_mut();
                if !state.unread.is_empty() {
                    return Ok(state.take_unread(into));
                }
                if state.is_over {
                    return Ok(0);
                }
            }
            let count = self.advance(into)?;
            // An answer to what concerns TLS alone (a change of keys) leaves with what comes next where
            // it cannot leave now.
            let _ = self.try_flush();
            if count > 0 {
                return Ok(count);
            }
        }
    }

    /// Reads once from the socket, and gives what came of plaintext: up to the room for it, the rest to
    /// `unread`.
    fn advance(&self, into: &mut [u8]) -> io::Result<usize> {
        CIPHER.with_borrow_mut(|cipher| {
            let state = &mut *self.state.borrow_mut();
            let begun = state.begun.len();
            let end = cipher.len().min(begun + READ_BYTES);
            if begun == end {
                return Err(io::Error::new(ErrorKind::InvalidData, "a handshake without an end"));
            }
            let came = self.tcp.try_read(&mut cipher[begun..end])?;
            if came < end - begun {
                is_drained(&self.tcp);
            }
            cipher[..begun].copy_from_slice(&state.begun);
            state.is_over |= came == 0;
            let cipher = &mut cipher[..begun + came];
            let taken = state.take_records(cipher, into);
            if taken.is_err() {
                state.queue_alert();
                let _ = state.flush(&self.tcp);
            }
            let (used, count) = taken.map_err(broken)?;
            state.begun = cipher[used..].to_vec();
            Ok(count)
        })
    }

    /// Encrypts what is given, as few records as it takes, and writes them with one call each 48 KiB.
    /// What the kernel does not take of them is kept. Takes nothing while something is.
    pub(crate) fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let state = &mut *self.state.borrow_mut();
        state.flush(&self.tcp)?;
        if let [one] = slices
            && one.len() <= WRITE_BYTES
        {
            state.write(&self.tcp, one)?;
            return Ok(one.len());
        }
        PLAIN.with_borrow_mut(|plain| {
            let (mut taken, mut bytes) = (0, slices.iter().flat_map(|slice| slice.chunks(4096)));
            loop {
                plain.clear();
                while plain.len() + 4096 <= WRITE_BYTES
                    && let Some(chunk) = bytes.next()
                {
                    plain.extend_from_slice(chunk);
                }
                if plain.is_empty() {
                    return Ok(taken);
                }
                state.write(&self.tcp, plain)?;
                taken += plain.len();
                if !state.unsent.is_empty() {
                    return Ok(taken);
                }
            }
        })
    }

    pub(crate) fn try_flush(&self) -> io::Result<()> {
        self.state.borrow_mut().flush(&self.tcp)
    }

    /// Says `close_notify`, as far as the kernel takes it.
    pub(crate) fn say_goodbye(&self) -> io::Result<()> {
        let state = &mut *self.state.borrow_mut();
        state.flush(&self.tcp)?;
        CIPHER.with_borrow_mut(|cipher| {
            let count = state.traffic(|traffic| traffic.queue_close_notify(cipher))?;
            state.send(&self.tcp, &cipher[..count])?;
            state.flush(&self.tcp)
        })
    }
}

type Traffic<'a> = rustls::unbuffered::WriteTraffic<'a, rustls::server::ServerConnectionData>;

impl State {
    fn take_unread(&mut self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.unread.len());
        into[..count].copy_from_slice(&self.unread[..count]);
        self.unread.drain(..count);
        if self.unread.is_empty() {
            self.unread = Vec::new();
        }
        count
    }

    /// Takes the whole records of these bytes: how many bytes they were, and how many of plaintext are
    /// in `into`.
    fn take_records(
        &mut self,
        cipher: &mut [u8],
        into: &mut [u8],
    ) -> Result<(usize, usize), rustls::Error> {
        let (mut used, mut count) = (0, 0);
        loop {
            let UnbufferedStatus { discard, state, .. } =
                self.tls.process_tls_records(&mut cipher[used..]);
            let mut is_done = false;
            match state? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let payload = record?.payload;
                        let (now, later) = payload.split_at(payload.len().min(into.len() - count));
                        into[count..count + now.len()].copy_from_slice(now);
                        count += now.len();
                        self.unread.extend_from_slice(later);
                    }
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    append(&mut self.unsent, |room| data.encode(room));
                }
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::PeerClosed => self.is_over = true,
                _ => is_done = true,
            }
            used += discard;
            if is_done {
                return Ok((used, count));
            }
        }
    }

    /// After an error: what tells the peer of it.
    fn queue_alert(&mut self) {
        while let Ok(ConnectionState::EncodeTlsData(mut data)) =
            self.tls.process_tls_records(&mut []).state
        {
            append(&mut self.unsent, |room| data.encode(room));
        }
    }

    /// Encrypts and sends; what the kernel does not take is kept.
    fn write(&mut self, tcp: &TcpStream, plain: &[u8]) -> io::Result<()> {
        CIPHER.with_borrow_mut(|cipher| {
            let count = self.traffic(|traffic| traffic.encrypt(plain, cipher))?;
            self.send(tcp, &cipher[..count])
        })
    }

    /// Does something in the state in which rustls lets one write.
    fn traffic<E: std::error::Error + Send + Sync + 'static>(
        &mut self,
        work: impl FnOnce(&mut Traffic<'_>) -> Result<usize, E>,
    ) -> io::Result<usize> {
        loop {
            let UnbufferedStatus { state, .. } = self.tls.process_tls_records(&mut self.begun);
            match state.map_err(broken)? {
                ConnectionState::WriteTraffic(mut traffic) => {
                    return work(&mut traffic).map_err(io::Error::other);
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    append(&mut self.unsent, |room| data.encode(room));
                }
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::PeerClosed => self.is_over = true,
                _ => return Err(ErrorKind::BrokenPipe.into()),
            }
        }
    }

    fn send(&mut self, tcp: &TcpStream, cipher: &[u8]) -> io::Result<()> {
        self.flush(tcp).or_else(unless_full)?;
        let mut written = 0;
        if self.unsent.is_empty() {
            written = tcp.try_write(cipher).or_else(|error| unless_full(error).map(|()| 0))?;
        }
        self.unsent.extend_from_slice(&cipher[written..]);
        Ok(())
    }

    fn flush(&mut self, tcp: &TcpStream) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let written = tcp.try_write(&self.unsent)?;
            self.unsent.drain(..written);
            if self.unsent.is_empty() {
                self.unsent = Vec::new();
            }
        }
        Ok(())
    }
}

/// Adds what `encode` writes, in the room that it asks for.
fn append(to: &mut Vec<u8>, mut encode: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>) {
    if let Err(EncodeError::InsufficientSize(size)) = encode(&mut []) {
        let start = to.len();
        to.resize(start + size.required_size, 0);
        // It has the room that it asked for.
        let _ = encode(&mut to[start..]);
    }
}

fn unless_full(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::WouldBlock { Ok(()) } else { Err(error) }
}

fn broken(error: rustls::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}
