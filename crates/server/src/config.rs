//! What the server was told to be, checked.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

pub use chinwag_core::access::Registration;
use http::Uri;
use http::uri::Authority;

/// What was written: by flags, environment, file or nowhere.
#[derive(Debug, Clone)]
pub struct RawConfig {
    pub listen: SocketAddr,
    pub public_url: Option<String>,
    pub data: PathBuf,
    pub registration: Option<Registration>,
    pub rate_limits: bool,
    pub metrics_listen: Option<SocketAddr>,
    pub shards: Option<u16>,
    pub trusted_hops: u8,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub acme: bool,
    pub acme_contact: Option<String>,
    pub acme_directory: Option<String>,
    pub acme_root: Option<PathBuf>,
    pub traces: Option<Collector>,
}

/// Where the certificate of the main port comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    Files(TlsFiles),
    Acme(Acme),
}

/// The files of a certificate: PEM, the server's own first, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// An authority that gives certificates by itself (RFC 8555).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// Whom the certificate is for.
    pub host: String,
    /// Who is written to when something is wrong with it.
    pub contact: Option<String>,
    /// Where the authority's addresses are listed.
    pub directory: Uri,
    /// By whom the authority itself is known (PEM), where it is not one that all know.
    pub root: Option<PathBuf>,
}

/// The authority that is asked where none is named: <https://letsencrypt.org/docs/acme-protocol-updates/>.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// What was meant.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub public_url: Option<PublicUrl>,
    pub data: PathBuf,
    pub registration: Registration,
    /// False where it is the default, which the operator can change while the server runs.
    pub registration_is_said: bool,
    pub rate_limits: bool,
    pub metrics_listen: Option<SocketAddr>,
    pub shards: u16,
    /// How many proxies in front add themselves to `X-Forwarded-For`.
    pub trusted_hops: u8,
    /// What the main port speaks TLS with; without it, it speaks plain HTTP.
    pub tls: Option<Tls>,
    /// Where traces go, in a program that was built with the feature `otlp`.
    pub traces: Option<Collector>,
}

/// A collector of traces that speaks OTLP over HTTP in JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Collector {
    /// `http://HOST:PORT/PATH`, whole.
    pub url: Uri,
    /// Of all messages, which part is traced: 0 to 1.
    pub ratio: f64,
    /// What this server is called there.
    pub service: String,
}

/// The address that people type, with a scheme and a host and nothing behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    authority: String,
    https: bool,
}

impl PublicUrl {
    /// The address as a browser names it in `Origin`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Host and port, as in `Host`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The host alone.
    #[must_use]
    pub fn host(&self) -> &str {
        let bracket = self.authority.rfind(']').unwrap_or(0);
        let port = self.authority[bracket..].find(':').map(|colon| bracket + colon);
        self.authority[..port.unwrap_or(self.authority.len())].trim_matches(['[', ']'])
    }

    /// The port that was named, or the one that the scheme means.
    #[must_use]
    pub fn port(&self) -> u16 {
        let named = self.authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        named.unwrap_or(if self.https { 443 } else { 80 })
    }

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether the host is this server's alone: no port was named, so it is the one that `https` means.
    #[must_use]
    pub fn is_whole_host(&self) -> bool {
        self.https && self.host().len() == self.authority.trim_matches(['[', ']']).len()
    }
}

/// What is wrong with the configuration, for the one who wrote it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("--public-url must be like https://chat.example.org, without a path; it is {0:?}")]
    PublicUrl(String),
    #[error("--public-url must begin with https where --tls-cert is given; it is {0:?}")]
    PublicUrlInTheOpen(String),
    #[error("--shards must be 1 to 1024")]
    Shards,
    #[error("--tls-cert and --tls-key come together: {0} is missing")]
    TlsHalf(&'static str),
    #[error("--acme gets a certificate, --tls-cert names one: use one of them")]
    AcmeAndFiles,
    #[error(
        "--acme needs --public-url https://NAME without a port: the certificate is for that name, and the \
         authority comes to its port 443"
    )]
    AcmeWithoutName,
    #[error("--acme-contact must be an address of e-mail; it is {0:?}")]
    AcmeContact(String),
    #[error("--acme-directory must be like https://acme.example.org/directory; it is {0:?}")]
    AcmeDirectory(String),
    #[error("{0} is of no use without --acme on")]
    AcmeOff(&'static str),
}

impl Config {
    /// Checks what was written and fills in what was not.
    pub fn new(raw: RawConfig) -> Result<Self, ConfigError> {
        let public_url = raw.public_url.as_deref().map(parse_public_url).transpose()?;
        let private = raw.listen.ip().is_loopback() && public_url.is_none();
        let default = if private { Registration::Open } else { Registration::Invite };
        let shards = raw.shards.unwrap_or_else(processors);
        if !(1..=1024).contains(&shards) {
            return Err(ConfigError::Shards);
        }
        let tls = tls(&raw, public_url.as_ref())?;
        if let Some(url) = public_url.as_ref().filter(|url| tls.is_some() && !url.is_https()) {
            return Err(ConfigError::PublicUrlInTheOpen(url.origin().to_owned()));
        }
        Ok(Self {
            listen: raw.listen,
            public_url,
            data: raw.data,
            registration: raw.registration.unwrap_or(default),
            registration_is_said: raw.registration.is_some(),
            rate_limits: raw.rate_limits,
            metrics_listen: raw.metrics_listen,
            shards,
            trusted_hops: raw.trusted_hops,
            tls,
            traces: raw.traces,
        })
    }

    /// Whether people come by `https`: by what they type, or because the main port speaks nothing else.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.tls.is_some() || self.public_url.as_ref().is_some_and(PublicUrl::is_https)
    }

    /// The scheme under which this server is reached where it has no public URL.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Where people find this server: the public URL, else the listener as one types it here.
    #[must_use]
    pub fn origin(&self) -> String {
        match &self.public_url {
            Some(url) => url.origin().to_owned(),
            None => format!("{}://{}", self.scheme(), named(self.listen)),
        }
    }

    /// Whether `/metrics` is answered on the main port, to a loopback peer.
    #[must_use]
    pub fn metrics_on_main_port(&self) -> bool {
        self.public_url.is_none() && self.trusted_hops == 0 && self.metrics_listen.is_none()
    }
}

/// From where the main port has its certificate, if it speaks TLS.
fn tls(raw: &RawConfig, public_url: Option<&PublicUrl>) -> Result<Option<Tls>, ConfigError> {
    let files = match (&raw.tls_cert, &raw.tls_key) {
        (Some(cert), Some(key)) => Some(TlsFiles { cert: cert.clone(), key: key.clone() }),
        (None, None) => None,
        (None, Some(_)) => return Err(ConfigError::TlsHalf("--tls-cert")),
        (Some(_), None) => return Err(ConfigError::TlsHalf("--tls-key")),
    };
    match (files, raw.acme) {
        (Some(_), true) => Err(ConfigError::AcmeAndFiles),
        (None, true) => Ok(Some(Tls::Acme(acme(raw, public_url)?))),
        (files, false) => {
            let said = [
                ("--acme-contact", raw.acme_contact.is_some()),
                ("--acme-directory", raw.acme_directory.is_some()),
                ("--acme-root", raw.acme_root.is_some()),
            ];
            let idle = said.into_iter().find(|(_, is_said)| *is_said);
            idle.map_or(Ok(files.map(Tls::Files)), |(flag, _)| Err(ConfigError::AcmeOff(flag)))
        }
    }
}

fn acme(raw: &RawConfig, public_url: Option<&PublicUrl>) -> Result<Acme, ConfigError> {
    let is_name = |url: &&PublicUrl| url.is_whole_host() && url.host().parse::<IpAddr>().is_err();
    let host = public_url.filter(is_name).ok_or(ConfigError::AcmeWithoutName)?.host().to_owned();
    let contact = raw.acme_contact.clone();
    let is_address = |contact: &String| contact.contains('@') && !contact.contains([' ', ':', ',']);
    if let Some(wrong) = contact.as_ref().filter(|contact| !is_address(contact)) {
        return Err(ConfigError::AcmeContact(wrong.clone()));
    }
    let directory = raw.acme_directory.as_deref().unwrap_or(LETS_ENCRYPT);
    let wrong = || ConfigError::AcmeDirectory(directory.to_owned());
    let directory: Uri = directory.parse().map_err(|_| wrong())?;
    if directory.scheme_str() != Some("https") || directory.host().is_none() {
        return Err(wrong());
    }
    Ok(Acme { host, contact, directory, root: raw.acme_root.clone() })
}

/// An address as one types it: every interface is also this machine.
fn named(address: SocketAddr) -> String {
    if address.ip().is_unspecified() || address.ip().is_loopback() {
        return format!("localhost:{}", address.port());
    }
    address.to_string()
}

/// The processors that this process may use: the affinity mask, and no more than a cgroup allows.
fn processors() -> u16 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    u16::try_from(processors).unwrap_or(u16::MAX).min(1024)
}

fn parse_public_url(url: &str) -> Result<PublicUrl, ConfigError> {
    let wrong = || ConfigError::PublicUrl(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let https = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(wrong()),
    };
    let authority = uri.authority().ok_or_else(wrong)?.as_str().to_ascii_lowercase();
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() || !is_host_and_port(&authority) {
        return Err(wrong());
    }
    let default_port = if https { ":443" } else { ":80" };
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority).to_owned();
    let scheme = if https { "https" } else { "http" };
    Ok(PublicUrl { origin: format!("{scheme}://{authority}"), authority, https })
}

/// A host, and at most a port as a browser writes it: `Origin` and `Host` are compared with this.
fn is_host_and_port(authority: &str) -> bool {
    let Ok(parsed) = authority.parse::<Authority>() else {
        return false;
    };
    let has_host = !parsed.host().trim_matches(['[', ']']).is_empty();
    let is_port =
        |text: &str| text.parse().is_ok_and(|port: u16| port > 0 && port.to_string() == text);
    has_host
        && authority.strip_prefix(parsed.host()).is_some_and(|rest| match rest.strip_prefix(':') {
            Some(port) => is_port(port),
            None => rest.is_empty(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(listen: &str, public_url: Option<&str>) -> RawConfig {
        RawConfig {
            listen: listen.parse().expect("an address"),
            public_url: public_url.map(str::to_owned),
            data: PathBuf::new(),
            registration: None,
            rate_limits: true,
            metrics_listen: None,
            shards: Some(1),
            trusted_hops: 0,
            tls_cert: None,
            tls_key: None,
            acme: false,
            acme_contact: None,
            acme_directory: None,
            acme_root: None,
            traces: None,
        }
    }

    #[test]
    fn a_public_url_has_a_host_and_a_port_as_browsers_write_it() {
        for good in ["https://chat", "http://[::1]:8080/", "https://a.example:65535"] {
            assert!(parse_public_url(good).is_ok(), "{good}");
        }
        for wrong in [
            "https://:8080",
            "https://[]",
            "https://a:",
            "https://a:0",
            "https://a:0443",
            "https://a:65536",
            "https://me@a",
        ] {
            let error = parse_public_url(wrong);
            assert_eq!(error, Err(ConfigError::PublicUrl(wrong.to_owned())));
        }
    }

    #[test]
    fn registration_is_open_on_loopback_alone() {
        let of = |listen, url| Config::new(raw(listen, url)).map(|config| config.registration);
        assert_eq!(of("127.0.0.1:8080", None), Ok(Registration::Open));
        assert_eq!(of("[::1]:8080", None), Ok(Registration::Open));
        assert_eq!(of("0.0.0.0:8080", None), Ok(Registration::Invite));
        assert_eq!(of("127.0.0.1:8080", Some("https://a.example")), Ok(Registration::Invite));
    }

    #[test]
    fn a_certificate_and_its_key_come_together_and_make_it_https() {
        let files = |cert: Option<&str>, key: Option<&str>, url| {
            let (tls_cert, tls_key) = (cert.map(PathBuf::from), key.map(PathBuf::from));
            Config::new(RawConfig { tls_cert, tls_key, ..raw("127.0.0.1:1", url) })
        };
        let both = files(Some("c"), Some("k"), None).expect("good");
        assert!(both.is_https() && both.scheme() == "https");
        let none = files(None, None, None).expect("good");
        assert!(!none.is_https() && none.scheme() == "http");
        assert_eq!(files(Some("c"), None, None).err(), Some(ConfigError::TlsHalf("--tls-key")));
        assert_eq!(files(None, Some("k"), None).err(), Some(ConfigError::TlsHalf("--tls-cert")));
        let open = "http://a.example".to_owned();
        let in_the_open = files(Some("c"), Some("k"), Some(&open)).err();
        assert_eq!(in_the_open, Some(ConfigError::PublicUrlInTheOpen(open)));
    }

    #[test]
    fn an_authority_is_asked_for_a_name_alone() {
        let of = |url, change: fn(&mut RawConfig)| {
            let mut raw = RawConfig { acme: true, ..raw("0.0.0.0:443", url) };
            change(&mut raw);
            Config::new(raw).map(|config| config.tls)
        };
        let url = Some("https://chat.example.org");
        let Ok(Some(Tls::Acme(acme))) = of(url, |_| {}) else { panic!("it is good") };
        assert_eq!(
            (acme.host.as_str(), acme.directory),
            ("chat.example.org", LETS_ENCRYPT.parse().expect("an address"))
        );
        for nameless in [
            None,
            Some("http://a.example"),
            Some("https://a.example:8443"),
            Some("https://192.0.2.1"),
        ] {
            assert_eq!(of(nameless, |_| {}), Err(ConfigError::AcmeWithoutName), "{nameless:?}");
        }
        let files =
            of(url, |raw| (raw.tls_cert, raw.tls_key) = (Some("c".into()), Some("k".into())));
        assert_eq!(files, Err(ConfigError::AcmeAndFiles));
        let contact = of(url, |raw| raw.acme_contact = Some("mailto:a@b".into()));
        assert_eq!(contact, Err(ConfigError::AcmeContact("mailto:a@b".into())));
        let directory = of(url, |raw| raw.acme_directory = Some("http://a.example".into()));
        assert_eq!(directory, Err(ConfigError::AcmeDirectory("http://a.example".into())));
        let off = of(url, |raw| (raw.acme, raw.acme_contact) = (false, Some("a@b".into())));
        assert_eq!(off, Err(ConfigError::AcmeOff("--acme-contact")));
    }

    #[test]
    fn a_host_is_told_from_its_port() {
        let of =
            |url| parse_public_url(url).map(|url| (url.host().to_owned(), url.is_whole_host()));
        assert_eq!(of("https://a.example"), Ok(("a.example".to_owned(), true)));
        assert_eq!(of("https://a.example:8443"), Ok(("a.example".to_owned(), false)));
        assert_eq!(of("https://[2001:db8::7]"), Ok(("2001:db8::7".to_owned(), true)));
        assert_eq!(of("https://[2001:db8::7]:8443"), Ok(("2001:db8::7".to_owned(), false)));
        assert_eq!(of("http://a.example"), Ok(("a.example".to_owned(), false)));
        let port = |url| parse_public_url(url).map(|url| url.port());
        assert_eq!((port("https://a.example"), port("http://a.example")), (Ok(443), Ok(80)));
        assert_eq!((port("https://a:8443"), port("http://[2001:db8::7]")), (Ok(8443), Ok(80)));
    }

    #[test]
    fn a_public_url_is_a_scheme_and_a_host() {
        let parse = |url| parse_public_url(url).map(|url| url.origin);
        assert_eq!(parse("https://Chat.Example:443/"), Ok("https://chat.example".to_owned()));
        assert_eq!(parse("http://a.example:8080"), Ok("http://a.example:8080".to_owned()));
        for url in ["chat.example", "ftp://a", "https://a/b", "https://u@a", "https://a?b", ""] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
