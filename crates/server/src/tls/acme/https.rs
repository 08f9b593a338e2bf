//! Asks an authority over HTTPS: a connection a request, since one asks some ten times in two months.

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// From the name's address to the answer's last byte.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The largest answer is a chain of certificates.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
const HTTPS_PORT: u16 = 443;

#[derive(Clone)]
pub(super) struct Https {
    tls: TlsConnector,
}

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Https")
    }
}

impl Https {
    /// Trusts this root alone, or those that browsers trust.
    pub(super) fn new(provider: &Arc<CryptoProvider>, root: Option<&Path>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        match root {
            Some(path) => {
                let named = || format!("cannot use {} (--acme-root)", path.display());
                let root = CertificateDer::from_pem_file(path).with_context(named)?;
                roots.add(root).with_context(named)?;
            }
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let builder = ClientConfig::builder_with_provider(Arc::clone(provider));
        let builder = builder.with_safe_default_protocol_versions()?;
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { tls: Arc::new(config).into() })
    }

    async fn ask(self, request: Request<BodyWrapper<Bytes>>) -> anyhow::Result<BytesResponse> {
        let authority = request.uri().authority().context("an address without a host")?.clone();
        let (host, port) = (authority.host(), authority.port_u16().unwrap_or(HTTPS_PORT));
        let tcp = TcpStream::connect((host.trim_matches(['[', ']']), port)).await;
        let tcp = tcp.with_context(|| format!("no connection to {authority}"))?;
        let name = ServerName::try_from(host.to_owned())?;
        let tls = self.tls.connect(name, tcp).await;
        let tls = tls.with_context(|| format!("{authority} is not who it should be"))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(tls)).await?;
        let driven = tokio::spawn(connection);
        let response = sender.send_request(in_origin_form(request)?).await?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        driven.abort();
        let body = body.map_err(anyhow::Error::from_boxed)?.to_bytes();
        Ok(Response::from_parts(parts, Full::new(body)).into())
    }
}

impl HttpClient for Https {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let this = self.clone();
        Box::pin(async move {
            let answered = tokio::time::timeout(ANSWER_WITHIN, this.ask(request)).await;
            let answered = answered.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer")));
            answered.map_err(|error| Error::Other(error.into()))
        })
    }
}

/// The path alone, with the host in its header (RFC 9112, 3.2.1).
fn in_origin_form<B>(mut request: Request<B>) -> anyhow::Result<Request<B>> {
    let authority = request.uri().authority().map_or("", |authority| authority.as_str());
    let host = HeaderValue::from_str(authority)?;
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    request.headers_mut().insert(HOST, host);
    Ok(request)
}
