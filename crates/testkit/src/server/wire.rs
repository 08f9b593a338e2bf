//! A client's end of a connection: TCP alone, or TLS on it as the door says.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{DEADLINE, Door};

/// See the module.
#[derive(Debug)]
pub enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    /// Connects, and says nothing yet: the handshake comes with the first byte.
    ///
    /// # Panics
    /// Where nobody listens.
    #[must_use]
    pub fn connect(door: &Door) -> Self {
        let tcp = TcpStream::connect_timeout(&door.address, DEADLINE).expect("the server listens");
        tcp.set_nodelay(true).expect("a socket takes nodelay");
        tcp.set_write_timeout(Some(DEADLINE)).expect("a socket takes a timeout");
        tcp.set_read_timeout(Some(DEADLINE)).expect("a socket takes a timeout");
        let Some(trust) = &door.trust else {
            return Self::Plain(tcp);
        };
        let name = ServerName::from(door.address.ip());
        let tls = ClientConnection::new(Arc::clone(trust), name).expect("a client's configuration");
        Self::Tls(Box::new(StreamOwned::new(tls, tcp)))
    }

    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.sock,
        }
    }

    /// # Panics
    /// Where the socket takes no timeout.
    pub fn set_read_timeout(&self, within: Duration) {
        self.tcp().set_read_timeout(Some(within)).expect("a socket takes a timeout");
    }

    /// Says that nothing more comes.
    pub fn end(&mut self) {
        if let Self::Tls(tls) = self {
            tls.conn.send_close_notify();
            // Where the server has gone, what follows will tell.
            let _ = tls.flush();
        }
        let _ = self.tcp().shutdown(Shutdown::Write);
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(into),
            Self::Tls(tls) => tls.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

/// Writes a new certificate for 127.0.0.1 and `localhost`, and its key, into a folder.
///
/// # Panics
/// Where it cannot be written.
#[must_use]
pub fn write_certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate can be made");
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).expect("the folder is the test's own");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("the folder is the test's own");
    (cert, key)
}

/// What a client goes by that trusts this certificate and no other.
///
/// # Panics
/// Where the file holds none.
#[must_use]
pub fn trust(cert: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let cert = CertificateDer::from_pem_file(cert).expect("a certificate");
    roots.add(cert).expect("a certificate that can be trusted");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().expect("versions of TLS");
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}
