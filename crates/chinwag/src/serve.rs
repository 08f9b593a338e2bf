//! `chinwag serve`: flags, then environment, then the file, then the defaults.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chinwag_server::config::{Config, RawConfig, Registration};
use chinwag_server::run;
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::notify;

/// The file that is read when none is named, if there is one.
const DEFAULT_FILE: &str = "chinwag.toml";

const DEFAULT_DATA: &str = "chinwag-data";
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// What can be said on the command line and in the environment.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Address and port to listen on. [default: 127.0.0.1:8080]
    #[arg(long, env = "CHINWAG_LISTEN", value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The address that people type, where it is another: behind a proxy, or by name.
    #[arg(long, env = "CHINWAG_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// The folder of the database; made if it is not there. [default: ./chinwag-data]
    #[arg(long, env = "CHINWAG_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Who may register. [default: open on loopback without a public URL, else invite]
    #[arg(long, env = "CHINWAG_REGISTRATION", value_name = "WHO")]
    registration: Option<Who>,
    /// Rate limits; off is for benches and tests. [default: on]
    #[arg(long, env = "CHINWAG_RATE_LIMITS", value_name = "ON|OFF")]
    rate_limits: Option<Switch>,
    /// Answer /metrics here, and only here.
    #[arg(long, env = "CHINWAG_METRICS_LISTEN", value_name = "ADDR")]
    metrics_listen: Option<SocketAddr>,
    /// Threads that hold connections. [default: one a processor]
    #[arg(long, env = "CHINWAG_SHARDS", value_name = "N")]
    shards: Option<u16>,
    /// Proxies in front whose X-Forwarded-For is believed. [default: 0]
    #[arg(long, env = "CHINWAG_TRUSTED_HOPS", value_name = "N")]
    trusted_hops: Option<u8>,
    /// The certificate with which the main port speaks TLS: PEM, the server's own first. Read again
    /// when it changes, and on SIGHUP.
    #[arg(long, env = "CHINWAG_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key: PEM, without a password.
    #[arg(long, env = "CHINWAG_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// A TOML file with any of these. [default: ./chinwag.toml, if it is there]
    #[arg(long, env = "CHINWAG_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What can be said in the file: the flags, with `_` for `-`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    listen: Option<SocketAddr>,
    public_url: Option<String>,
    data: Option<PathBuf>,
    registration: Option<Who>,
    rate_limits: Option<Switch>,
    metrics_listen: Option<SocketAddr>,
    shards: Option<u16>,
    trusted_hops: Option<u8>,
}

#[derive(Debug, Clone, Copy, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Who {
    Open,
    Invite,
    Closed,
}

#[derive(Debug, Clone, Copy, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Switch {
    On,
    Off,
}

impl From<Who> for Registration {
    fn from(who: Who) -> Self {
        match who {
            Who::Open => Self::Open,
            Who::Invite => Self::Invite,
            Who::Closed => Self::Closed,
        }
    }
}

/// Serves until a signal says stop.
pub(crate) fn run(flags: Flags) -> anyhow::Result<()> {
    let config = Config::new(raw(flags)?)?;
    let server = run::start(config)?;
    let mut out = std::io::stdout().lock();
    for line in server.welcome() {
        // Who has closed the other end does not want to know.
        let _ = writeln!(out, "{line}");
    }
    drop(out);
    tracing::info!(listen = %server.address(), "ready");
    notify::tell("READY=1");
    Ok(server.run_until_signalled(|| notify::tell("STOPPING=1"))?)
}

/// Where the server that is told the same listens.
pub(crate) fn listen(flags: &Flags) -> anyhow::Result<SocketAddr> {
    Ok(flags.listen.or(file(flags)?.listen).unwrap_or(DEFAULT_LISTEN))
}

/// The data folder of the server that is told the same.
pub(crate) fn data(flags: &Flags) -> anyhow::Result<PathBuf> {
    let data = match &flags.data {
        Some(data) => Some(data.clone()),
        None => file(flags)?.data,
    };
    Ok(data.unwrap_or_else(|| DEFAULT_DATA.into()))
}

/// Flags and environment (which clap has merged) over the file over the defaults.
fn raw(flags: Flags) -> anyhow::Result<RawConfig> {
    let file = file(&flags)?;
    let switch = flags.rate_limits.or(file.rate_limits).unwrap_or(Switch::On);
    Ok(RawConfig {
        listen: flags.listen.or(file.listen).unwrap_or(DEFAULT_LISTEN),
        public_url: flags.public_url.or(file.public_url),
        data: flags.data.or(file.data).unwrap_or_else(|| DEFAULT_DATA.into()),
        registration: flags.registration.or(file.registration).map(Into::into),
        rate_limits: matches!(switch, Switch::On),
        metrics_listen: flags.metrics_listen.or(file.metrics_listen),
        shards: flags.shards.or(file.shards),
        trusted_hops: flags.trusted_hops.or(file.trusted_hops).unwrap_or(0),
        tls_cert: flags.tls_cert.or(file.tls_cert),
        tls_key: flags.tls_key.or(file.tls_key),
    })
}

fn file(flags: &Flags) -> anyhow::Result<File> {
    match &flags.config {
        Some(path) => read(path),
        None if Path::new(DEFAULT_FILE).exists() => read(Path::new(DEFAULT_FILE)),
        None => Ok(File::default()),
    }
}

fn read(path: &Path) -> anyhow::Result<File> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not as expected", path.display()))
}
