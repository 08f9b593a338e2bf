//! The certificate that clients are shown, wherever it comes from.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::validity::{Complaint, Validity};
use crate::clock;
use crate::config::PublicUrl;

/// The protocol by which an authority looks whether it is us (RFC 8737, 6.2).
const ACME_TLS: &[u8] = b"acme-tls/1";

/// The certificate of now, and the answer to an authority that asks.
pub(crate) struct Certificates {
    /// Whom people ask for, where it is known.
    name: Option<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
    current: Mutex<Option<Arc<CertifiedKey>>>,
    challenge: Mutex<Option<Arc<CertifiedKey>>>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut protocols = hello.alpn().into_iter().flatten();
        let is_authority = (protocols.next(), protocols.next()) == (Some(ACME_TLS), None);
        let shown = if is_authority { &self.challenge } else { &self.current };
        shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Certificates {
    /// None yet: until there is one every handshake fails.
    pub(crate) fn none(public_url: Option<&PublicUrl>) -> Arc<Self> {
        let name = public_url.and_then(|url| ServerName::try_from(url.host().to_owned()).ok());
        let provider = Arc::new(aws_lc_rs::default_provider());
        Arc::new(Self { name, provider, current: Mutex::default(), challenge: Mutex::default() })
    }

    pub(super) fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }

    pub(super) fn show(&self, certificate: Arc<CertifiedKey>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
    }

    /// What is shown to an authority that asks whether it is us; nobody asks any more where there is none.
    pub(super) fn answer(&self, challenge: Option<Arc<CertifiedKey>>) {
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = challenge;
    }

    /// The server's own certificate that is shown now.
    pub(super) fn own(&self) -> Option<CertificateDer<'static>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref()?.cert.first().cloned()
    }

    /// What the shards' handshakes go by. A session can be resumed by its ticket, whose key changes by
    /// itself and never leaves this process, so that a crowd that comes back costs no signatures.
    pub(crate) fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder = builder.with_safe_default_protocol_versions()?;
        let resolver = Arc::clone(self);
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec(), ACME_TLS.to_vec()];
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Arc::new(config))
    }

    /// Whether a client that asks for the public URL's host would take this certificate for it.
    pub(super) fn is_named(&self, own: &CertificateDer<'_>) -> bool {
        self.name.as_ref().is_none_or(|name| {
            let parsed = ParsedCertificate::try_from(own);
            parsed.is_ok_and(|own| rustls::client::verify_server_name(&own, name).is_ok())
        })
    }

    /// Says what clients will not like.
    pub(super) fn warn(&self) {
        let Some(own) = self.own() else {
            return;
        };
        match Validity::of(&own).map(|it| it.complaint(clock::wall_ms() / 1_000)) {
            Some(None) => {}
            Some(Some(Complaint::Expired)) => {
                tracing::warn!("the certificate has expired: browsers will refuse it");
            }
            Some(Some(Complaint::NotYet)) => {
                tracing::warn!("the certificate is not valid yet: is this machine's clock right?");
            }
            Some(Some(Complaint::EndsSoon { days })) => {
                tracing::warn!(days, "the certificate ends soon");
            }
            None => tracing::warn!("until when the certificate is valid cannot be told"),
        }
        if !self.is_named(&own) {
            tracing::warn!("the certificate is not for the host of --public-url");
        }
    }
}
