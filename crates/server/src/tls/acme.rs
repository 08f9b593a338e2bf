//! A certificate from an authority that gives them by itself (RFC 8555), got at the first start and again
//! when a third of its time is left.
//!
//! The authority looks whether it is us by a handshake on the main port (TLS-ALPN-01, RFC 8737), so no
//! other port is needed. The account and the certificate are kept in the data folder, by authority: who
//! tries with one that is for trials begins afresh with the real one.

mod https;

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use tokio::signal::unix::Signal;

use super::certificates::Certificates;
use super::validity::Validity;
use crate::clock;
use crate::config;
use https::Https;

/// An authority that has not come to an end of it by then will not.
const OBTAIN_WITHIN: Duration = Duration::from_secs(180);
/// How long the authority may take to look at us, and to write the certificate.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(60));
/// The wait after a failure; it doubles with each. Five an hour are what the largest authority forgives a
/// host (<https://letsencrypt.org/docs/rate-limits/>).
const BACK_OFF: Duration = Duration::from_secs(5 * 60);
const BACK_OFF_MAX: Duration = Duration::from_secs(12 * 3600);

/// Gets the certificate of one host and keeps it good.
#[derive(Debug)]
pub(crate) struct Acme {
    config: config::Acme,
    folder: PathBuf,
    https: Https,
    certificates: Arc<Certificates>,
}

impl Acme {
    /// Shows the certificate that was kept, if there is one.
    pub(crate) fn load(
        config: &config::Acme,
        data: &Path,
        certificates: Arc<Certificates>,
    ) -> anyhow::Result<Self> {
        let authority = config.directory.host().context("an authority has a host")?;
        let folder = data.join("acme").join(authority);
        let https = Https::new(certificates.provider(), config.root.as_deref())?;
        let this = Self { config: config.clone(), folder, https, certificates };
        match this.kept() {
            Ok(Some(kept)) => this.certificates.show(kept),
            Ok(None) => {}
            Err(error) => tracing::warn!(error = %format!("{error:#}"), "a new certificate is got"),
        }
        Ok(this)
    }

    /// Gets a certificate where there is none, and another before it ends; at once on SIGHUP.
    pub(crate) async fn keep(self, mut hang_up: Signal) {
        let mut back_off = BACK_OFF;
        let mut wait = self.time_left();
        loop {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                Some(()) = hang_up.recv() => {}
            }
            let obtained = tokio::time::timeout(OBTAIN_WITHIN, self.obtain()).await;
            self.certificates.answer(None);
            match obtained.unwrap_or_else(|_| Err(anyhow::anyhow!("it took too long"))) {
                Ok(()) => {
                    tracing::info!(host = self.config.host, "a certificate was got");
                    (back_off, wait) = (BACK_OFF, self.time_left());
                }
                Err(error) => {
                    let (error, again_in_s) = (format!("{error:#}"), back_off.as_secs());
                    tracing::warn!(error, again_in_s, "no certificate was got");
                    self.certificates.warn();
                    (wait, back_off) = (back_off, (back_off * 2).min(BACK_OFF_MAX));
                }
            }
        }
    }

    /// Until a third of the certificate's time is left: a month of the usual ninety days.
    fn time_left(&self) -> Duration {
        let validity = self.certificates.own().and_then(|own| Validity::of(&own));
        validity.map_or(Duration::ZERO, |it| {
            let renew_ms = (it.ends_s - (it.ends_s.saturating_sub(it.begins_s)) / 3) * 1_000;
            Duration::from_millis(renew_ms.saturating_sub(clock::wall_ms()))
        })
    }

    async fn obtain(&self) -> anyhow::Result<()> {
        let account = self.account().await.context("no account with the authority")?;
        let names = [Identifier::Dns(self.config.host.clone())];
        let mut order = account.new_order(&NewOrder::new(&names)).await.context("no order")?;
        self.prove(&mut order).await?;
        let key = order.finalize().await.context("the order was not taken")?;
        let chain = order.poll_certificate(&PATIENCE).await.context("it was not handed over")?;
        let pem = format!("{chain}\n{key}");
        let certificate = self.certified(pem.as_bytes())?;
        write(&self.folder, &self.certificate_file(), pem).await?;
        self.certificates.show(certificate);
        Ok(())
    }

    /// The account of the last time, or a new one. Having one means to agree to the authority's terms.
    async fn account(&self) -> anyhow::Result<Account> {
        let builder = Account::builder_with_http(Box::new(self.https.clone()));
        let file = self.folder.join("account.json");
        let path = file.clone();
        if let Ok(kept) = tokio::task::spawn_blocking(move || std::fs::read(path)).await? {
            let kept: AccountCredentials = serde_json::from_slice(&kept)
                .with_context(|| format!("{} is no account: move it away", file.display()))?;
            return Ok(builder.from_credentials(kept).await?);
        }
        let contact = self.config.contact.as_ref().map(|contact| format!("mailto:{contact}"));
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let account = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let directory = self.config.directory.to_string();
        let (account, credentials) = builder.create(&account, directory, None).await?;
        write(&self.folder, &file, serde_json::to_string(&credentials)?).await?;
        Ok(account)
    }

    /// Shows the authority that the host is us.
    async fn prove(&self, order: &mut Order) -> anyhow::Result<()> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.context("no authorization")?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
            let mut challenge = challenge.context("the authority does not offer tls-alpn-01")?;
            let digest = challenge.key_authorization().digest();
            self.certificates.answer(Some(self.challenge(digest.as_ref())?));
            challenge.set_ready().await.context("the authority would not look")?;
        }
        match order.poll_ready(&PATIENCE).await.context("the authority did not find us")? {
            OrderStatus::Ready | OrderStatus::Valid => Ok(()),
            _ => bail!("the authority did not find us at port 443 of {}", self.config.host),
        }
    }

    /// What the authority is shown: a certificate for the host with the digest in it (RFC 8737, 3).
    fn challenge(&self, digest: &[u8]) -> anyhow::Result<Arc<CertifiedKey>> {
        let mut params = CertificateParams::new(vec![self.config.host.clone()])?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let pair = KeyPair::generate()?;
        let chain = vec![params.self_signed(&pair)?.der().clone()];
        let key = PrivatePkcs8KeyDer::from(pair.serialize_der()).into();
        let key = self.certificates.provider().key_provider.load_private_key(key)?;
        // Not `from_der`, which reads the certificate and knows nothing of that extension.
        Ok(Arc::new(CertifiedKey::new(chain, key)))
    }

    fn certificate_file(&self) -> PathBuf {
        self.folder.join(format!("{}.pem", self.config.host))
    }

    fn kept(&self) -> anyhow::Result<Option<Arc<CertifiedKey>>> {
        let file = self.certificate_file();
        match std::fs::read(&file) {
            Ok(pem) => self.certified(&pem).map(Some).with_context(|| file.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| file.display().to_string()),
        }
    }

    /// A chain and its key, as the authority gave them for this host.
    fn certified(&self, pem: &[u8]) -> anyhow::Result<Arc<CertifiedKey>> {
        let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
        let own = chain.first().context("there is no certificate")?;
        ensure!(self.certificates.is_named(own), "it is not for {}", self.config.host);
        let key = PrivateKeyDer::from_pem_slice(pem)?;
        Ok(Arc::new(CertifiedKey::from_der(chain, key, self.certificates.provider())?))
    }
}

/// Puts a file in the place of the one before, for our eyes only, whole or not at all.
async fn write(folder: &Path, file: &Path, text: String) -> anyhow::Result<()> {
    let (folder, file) = (folder.to_owned(), file.to_owned());
    let written = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        let new = file.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        let mut to = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        to.write_all(text.as_bytes())?;
        to.sync_all()?;
        std::fs::rename(&new, &file)?;
        std::fs::File::open(&folder)?.sync_all()
    });
    written.await?.context("the data folder did not take it")
}
