//! What the server was told to be, checked.

use std::net::SocketAddr;
use std::path::PathBuf;

use http::Uri;

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    Open,
    Invite,
    Closed,
}

impl Registration {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }
}

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
}

/// The files of a certificate: PEM, the server's own first, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// What was meant.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub public_url: Option<PublicUrl>,
    pub data: PathBuf,
    pub registration: Registration,
    pub rate_limits: bool,
    pub metrics_listen: Option<SocketAddr>,
    pub shards: u16,
    /// How many proxies in front add themselves to `X-Forwarded-For`.
    pub trusted_hops: u8,
    /// What the main port speaks TLS with; without it, it speaks plain HTTP.
    pub tls: Option<TlsFiles>,
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
}

impl Config {
    /// Checks what was written and fills in what was not.
    pub fn new(raw: RawConfig) -> Result<Self, ConfigError> {
        let public_url = raw.public_url.map(|url| parse_public_url(&url)).transpose()?;
        let private = raw.listen.ip().is_loopback() && public_url.is_none();
        let default = if private { Registration::Open } else { Registration::Invite };
        let shards = raw.shards.unwrap_or_else(processors);
        if !(1..=1024).contains(&shards) {
            return Err(ConfigError::Shards);
        }
        let tls = match (raw.tls_cert, raw.tls_key) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            (None, None) => None,
            (None, Some(_)) => return Err(ConfigError::TlsHalf("--tls-cert")),
            (Some(_), None) => return Err(ConfigError::TlsHalf("--tls-key")),
        };
        if let Some(url) = public_url.as_ref().filter(|url| tls.is_some() && !url.is_https()) {
            return Err(ConfigError::PublicUrlInTheOpen(url.origin().to_owned()));
        }
        Ok(Self {
            listen: raw.listen,
            public_url,
            data: raw.data,
            registration: raw.registration.unwrap_or(default),
            rate_limits: raw.rate_limits,
            metrics_listen: raw.metrics_listen,
            shards,
            trusted_hops: raw.trusted_hops,
            tls,
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

    /// Whether `/metrics` is answered on the main port, to a loopback peer.
    #[must_use]
    pub fn metrics_on_main_port(&self) -> bool {
        self.public_url.is_none() && self.trusted_hops == 0 && self.metrics_listen.is_none()
    }
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
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() || authority.contains('@') {
        return Err(wrong());
    }
    let default_port = if https { ":443" } else { ":80" };
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority).to_owned();
    let scheme = if https { "https" } else { "http" };
    Ok(PublicUrl { origin: format!("{scheme}://{authority}"), authority, https })
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
    fn a_host_is_told_from_its_port() {
        let of =
            |url| parse_public_url(url).map(|url| (url.host().to_owned(), url.is_whole_host()));
        assert_eq!(of("https://a.example"), Ok(("a.example".to_owned(), true)));
        assert_eq!(of("https://a.example:8443"), Ok(("a.example".to_owned(), false)));
        assert_eq!(of("https://[2001:db8::7]"), Ok(("2001:db8::7".to_owned(), true)));
        assert_eq!(of("https://[2001:db8::7]:8443"), Ok(("2001:db8::7".to_owned(), false)));
        assert_eq!(of("http://a.example"), Ok(("a.example".to_owned(), false)));
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
