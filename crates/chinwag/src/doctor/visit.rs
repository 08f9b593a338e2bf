//! Coming to the server as people do: by name, through TLS, over HTTP/1.1.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chinwag_server::config::PublicUrl;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// For each of connecting, asking and being answered.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer's head, and of what of a body is looked at.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const BODY_BYTES_MAX: u64 = 64 * 1024;

/// A connection to whatever stands at the public URL.
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// An answer's head: the status, and the fields with names in lower case.
pub(super) struct Head {
    pub(super) status: u16,
    fields: Vec<(String, String)>,
}

impl Head {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

impl Wire {
    /// Connects, and goes through the handshake where the URL says so.
    pub(super) fn open(url: &PublicUrl) -> anyhow::Result<Self> {
        let tcp = connect(url)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tcp.set_write_timeout(Some(PATIENCE))?;
        if !url.is_https() {
            return Ok(Self::Plain(tcp));
        }
        let name = ServerName::try_from(url.host().to_owned()).context("the host's name")?;
        let mut tls = StreamOwned::new(ClientConnection::new(trust()?, name)?, tcp);
        tls.conn.complete_io(&mut tls.sock).context("TLS did not come about")?;
        Ok(Self::Tls(Box::new(tls)))
    }

    /// The certificate that was shown, in DER.
    pub(super) fn certificate(&self) -> Option<Vec<u8>> {
        let Self::Tls(tls) = self else { return None };
        Some(tls.conn.peer_certificates()?.first()?.to_vec())
    }

    /// Asks for a path with further fields, and reads the answer's head.
    pub(super) fn ask(
        &mut self,
        url: &PublicUrl,
        path: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Head> {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", url.authority());
        for (name, value) in fields {
            request += &format!("{name}: {value}\r\n");
        }
        self.write_all((request + "\r\n").as_bytes())?;
        self.flush()?;
        self.head()
    }

    fn head(&mut self) -> anyhow::Result<Head> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == HEAD_BYTES_MAX || self.read(&mut byte)? == 0 {
                bail!("what answered is no HTTP server");
            }
            head.push(byte[0]);
        }
        parse(&String::from_utf8_lossy(&head)).context("what answered is no HTTP server")
    }

    /// What follows the head, as far as it is looked at, until the other end is done.
    pub(super) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // Who ends without a goodbye has said all the same what there is.
        let _ = self.take(BODY_BYTES_MAX).read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }
}

fn parse(head: &str) -> Option<Head> {
    let mut lines = head.lines();
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Some(Head { status, fields: lines.filter_map(field).collect() })
}

fn connect(url: &PublicUrl) -> anyhow::Result<TcpStream> {
    let addresses = (url.host(), url.port()).to_socket_addrs();
    let addresses = addresses.with_context(|| format!("{} has no address", url.host()))?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = Some((address, error)),
        }
    }
    match last {
        Some((address, error)) => bail!("{address} does not answer: {error}"),
        None => bail!("{} has no address", url.host()),
    }
}

/// The authorities that this machine trusts.
fn trust() -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (known, _) = roots.add_parsable_certificates(found.certs);
    if known == 0 {
        bail!(
            "this machine has no list of authorities (ca-certificates), so nothing can be trusted"
        );
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(into),
            Self::Tls(tls) => tls.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_a_status_and_fields() {
        let head = parse("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nX: a:b\r\n\r\n");
        let head = head.expect("it is one");
        assert_eq!((head.status, head.field("upgrade")), (101, Some("websocket")));
        assert_eq!(head.field("x"), Some("a:b"));
        assert!(parse("SSH-2.0-x\r\n\r\n").is_none());
    }
}
