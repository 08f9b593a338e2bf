//! A certificate from files of one's own: read at the start, and again whenever they change or the process
//! is told to (SIGHUP). Files that are wrong then change nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::InconsistentKeys;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tokio::signal::unix::Signal;
use tokio::time::Instant;

use super::certificates::Certificates;
use crate::config::TlsFiles;

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
}

/// The two files, and who is told of them.
#[derive(Debug)]
pub(crate) struct Files {
    files: TlsFiles,
    certificates: Arc<Certificates>,
}

impl Files {
    /// Reads the files that the configuration names.
    pub(crate) fn load(
        files: &TlsFiles,
        certificates: Arc<Certificates>,
    ) -> Result<Self, FilesError> {
        let files = Self { files: files.clone(), certificates };
        files.show()?;
        Ok(files)
    }

    fn show(&self) -> Result<(), FilesError> {
        self.certificates.show(read(&self.files, self.certificates.provider())?);
        self.warn();
        Ok(())
    }

    /// Reads the files again. Where they are wrong the certificate of before stays.
    fn reload(&self) {
        match self.show() {
            Ok(()) => {
                tracing::info!(file = %self.files.cert.display(), "the certificate was read anew");
            }
            Err(error) => tracing::warn!(%error, "the certificate of before stays"),
        }
    }

    fn warn(&self) {
        self.certificates.warn();
        if is_open_to_all(&self.files.key) {
            let key = self.files.key.display();
            tracing::warn!(%key, "everyone on this machine can read the private key: chmod o-rwx");
        }
    }

    /// Reads the files again whenever one of them is another than before, or on SIGHUP.
    pub(crate) async fn watch(self, mut hang_up: Signal) {
        let this = Arc::new(self);
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut remind = tokio::time::interval_at(Instant::now() + REMIND_EVERY, REMIND_EVERY);
        let mut known = stamps(&this.files).await;
        loop {
            let is_asked = tokio::select! {
                Some(()) = hang_up.recv() => true,
                _ = look.tick() => false,
                _ = remind.tick() => {
                    this.warn();
                    false
                }
            };
            let now = stamps(&this.files).await;
            if is_asked || now != known {
                known = now;
                let again = Arc::clone(&this);
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
