//! The certificate that clients are shown: read from its files at the start, and again whenever they
//! change or the process is told to (SIGHUP). Files that are wrong then change nothing.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use tokio::signal::unix::Signal;
use tokio::time::Instant;

use super::validity::{Complaint, Validity};
use crate::clock;
use crate::config::{Config, TlsFiles};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often what is wrong with a certificate is said again: it ends while the server runs.
const REMIND_EVERY: Duration = Duration::from_secs(24 * 3600);

/// What is wrong with the files, for the one who named them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    #[error("cannot read {} ({flag}): {error}", path.display())]
    Unreadable { flag: &'static str, path: PathBuf, error: io::Error },
    #[error("{} ({flag}) is no PEM: {error}", path.display())]
    Malformed { flag: &'static str, path: PathBuf, error: pem::Error },
    #[error(
        "{} (--tls-cert) has no certificate: it must hold the server's own, and those that lead from it \
         to a known authority behind it, each between `-----BEGIN CERTIFICATE-----` and its end",
        path.display()
    )]
    NoCertificate { path: PathBuf },
    #[error(
        "{} (--tls-key) has no private key: it must hold one between `-----BEGIN PRIVATE KEY-----` and \
         its end, without a password (`openssl pkey` takes it off)",
        path.display()
    )]
    NoKey { path: PathBuf },
    #[error(
        "the key in {} (--tls-key) is not that of the first certificate in {} (--tls-cert)",
        .0.key.display(), .0.cert.display()
    )]
    Strangers(TlsFiles),
    #[error("the key in {} (--tls-key) cannot be used: {error}", path.display())]
    Unusable { path: PathBuf, error: rustls::Error },
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// The certificate of now.
pub(crate) struct Certificates {
    files: TlsFiles,
    /// Whom people ask for, where it is known.
    name: Option<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
    current: Mutex<Arc<CertifiedKey>>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Certificates {
    /// Reads the files that the configuration names.
    pub(crate) fn load(config: &Config, files: &TlsFiles) -> Result<Arc<Self>, FilesError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let current = Mutex::new(read(files, &provider)?);
        let url = config.public_url.as_ref();
        let name = url.and_then(|url| ServerName::try_from(url.host().to_owned()).ok());
        let certificates = Self { files: files.clone(), name, provider, current };
        certificates.warn();
        Ok(Arc::new(certificates))
    }

    /// What the shards' handshakes go by. A session can be resumed by its ticket, whose key changes by
    /// itself and never leaves this process, so that a crowd that comes back costs no signatures.
    pub(crate) fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, FilesError> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(FilesError::Setup)?;
        let resolver = Arc::clone(self);
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(FilesError::Setup)?;
        Ok(Arc::new(config))
    }

    /// Reads the files again. Where they are wrong the certificate of before stays.
    fn reload(&self) {
        match read(&self.files, &self.provider) {
            Ok(new) => {
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = new;
                tracing::info!(file = %self.files.cert.display(), "the certificate was read anew");
                self.warn();
            }
            Err(error) => tracing::warn!(%error, "the certificate of before stays"),
        }
    }

    /// Says what clients will not like.
    fn warn(&self) {
        let current = Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(own) = current.cert.first() else {
            return;
        };
        let file = self.files.cert.display();
        match Validity::of(own).map(|it| it.complaint(clock::wall_ms() / 1_000)) {
            Some(None) => {}
            Some(Some(Complaint::Expired)) => {
                tracing::warn!(%file, "the certificate has expired: browsers will refuse it");
            }
            Some(Some(Complaint::NotYet)) => {
                tracing::warn!(%file, "the certificate is not valid yet: is this machine's clock right?");
            }
            Some(Some(Complaint::EndsSoon { days })) => {
                tracing::warn!(%file, days, "the certificate ends soon");
            }
            None => tracing::warn!(%file, "until when the certificate is valid cannot be told"),
        }
        let is_named = |name| {
            let parsed = ParsedCertificate::try_from(own)?;
            rustls::client::verify_server_name(&parsed, name)
        };
        if self.name.as_ref().is_some_and(|name| is_named(name).is_err()) {
            tracing::warn!(%file, "the certificate is not for the host of --public-url");
        }
        if is_open_to_all(&self.files.key) {
            let key = self.files.key.display();
            tracing::warn!(%key, "everyone on this machine can read the private key: chmod o-rwx");
        }
    }

    /// Reads the files again whenever one of them is another than before, or on SIGHUP.
    pub(crate) async fn watch(self: Arc<Self>, mut hang_up: Signal) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut remind = tokio::time::interval_at(Instant::now() + REMIND_EVERY, REMIND_EVERY);
        let mut known = stamps(&self.files).await;
        loop {
            let is_asked = tokio::select! {
                Some(()) = hang_up.recv() => true,
                _ = look.tick() => false,
                _ = remind.tick() => {
                    self.warn();
                    false
                }
            };
            let now = stamps(&self.files).await;
            if is_asked || now != known {
                known = now;
                let again = Arc::clone(&self);
                let _ = tokio::task::spawn_blocking(move || again.reload()).await;
            }
        }
    }
}

/// By what one sees that a file was replaced or written.
type Stamp = Option<(u64, u64, u64, SystemTime)>;

async fn stamps(files: &TlsFiles) -> [Stamp; 2] {
    let files = files.clone();
    let both = move || [stamp(&files.cert), stamp(&files.key)];
    tokio::task::spawn_blocking(both).await.unwrap_or_default()
}

fn stamp(path: &Path) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino(), metadata.len(), metadata.modified().ok()?))
}

fn is_open_to_all(key: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(key).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

fn read(files: &TlsFiles, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, FilesError> {
    let path = || files.key.clone();
    let chain = chain(&files.cert)?;
    let key = key(&files.key)?;
    match CertifiedKey::from_der(chain, key, provider) {
        Ok(both) => Ok(Arc::new(both)),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(FilesError::Strangers(files.clone()))
        }
        Err(error) => Err(FilesError::Unusable { path: path(), error }),
    }
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, FilesError> {
    let flag = "--tls-cert";
    let bytes = bytes(path, flag)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let path = path.to_owned();
    match chain {
        Ok(chain) if chain.is_empty() => Err(FilesError::NoCertificate { path }),
        Ok(chain) => Ok(chain),
        Err(error) => Err(FilesError::Malformed { flag, path, error }),
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, FilesError> {
    let flag = "--tls-key";
    let bytes = bytes(path, flag)?;
    let path = path.to_owned();
    match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => Err(FilesError::NoKey { path }),
        Err(error) => Err(FilesError::Malformed { flag, path, error }),
    }
}

fn bytes(path: &Path, flag: &'static str) -> Result<Vec<u8>, FilesError> {
    let unreadable = |error| FilesError::Unreadable { flag, path: path.to_owned(), error };
    std::fs::read(path).map_err(unreadable)
}
