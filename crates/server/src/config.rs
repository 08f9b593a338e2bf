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

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }
}

/// What is wrong with the configuration, for the one who wrote it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("--public-url must be like https://chat.example.org, without a path; it is {0:?}")]
    PublicUrl(String),
    #[error("--shards must be 1 to 1024")]
    Shards,
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
        Ok(Self {
            listen: raw.listen,
            public_url,
            data: raw.data,
            registration: raw.registration.unwrap_or(default),
            rate_limits: raw.rate_limits,
            metrics_listen: raw.metrics_listen,
            shards,
            trusted_hops: raw.trusted_hops,
        })
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
    fn a_public_url_is_a_scheme_and_a_host() {
        let parse = |url| parse_public_url(url).map(|url| url.origin);
        assert_eq!(parse("https://Chat.Example:443/"), Ok("https://chat.example".to_owned()));
        assert_eq!(parse("http://a.example:8080"), Ok("http://a.example:8080".to_owned()));
        for url in ["chat.example", "ftp://a", "https://a/b", "https://u@a", "https://a?b", ""] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
