//! `chinwag serve`: the server, as it was told to be.

use std::io::Write as _;
use std::net::TcpListener;

use anyhow::{Context as _, ensure};
use chinwag_server::config::Config;
use chinwag_server::run;
use listenfd::ListenFd;

use crate::notify;
use crate::settings::{Flags, Settings};

/// Serves until a signal says stop.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<()> {
    let config = Config::new(Settings::of(flags)?.raw()?)?;
    #[cfg(feature = "otlp")]
    let config = Config { traces: collector()?, ..config };
    let server = match handed_over()? {
        Some(listener) => run::start_on_kept(listener, config)?,
        None => run::start(config)?,
    };
    let (welcome, address) = (server.welcome(), server.address());
    let ready = || {
        let mut out = std::io::stdout().lock();
        for line in welcome {
            // Who has closed the other end does not want to know.
            let _ = writeln!(out, "{line}");
        }
        drop(out);
        tracing::info!(listen = %address, "ready");
        notify::tell("READY=1");
    };
    Ok(server.run_until_signalled(ready, || notify::tell("STOPPING=1"))?)
}

/// Where traces go; these variables are OpenTelemetry's own.
#[cfg(feature = "otlp")]
fn collector() -> anyhow::Result<Option<chinwag_server::config::Collector>> {
    let variable = |name: &'static str| std::env::var(name).ok();
    chinwag_server::traces::collector(variable).map_err(anyhow::Error::msg)
}

/// The port that the service manager holds open for this program (`sd_listen_fds(3)`), where it does.
fn handed_over() -> anyhow::Result<Option<TcpListener>> {
    let mut sockets = ListenFd::from_env();
    let count = sockets.len();
    ensure!(
        count <= 1,
        "the service manager handed over {count} sockets (LISTEN_FDS) and Chinwag serves one: \
         leave one ListenStream= in its .socket unit"
    );
    let listener = sockets.take_tcp_listener(0);
    listener.context("what the service manager handed over (LISTEN_FDS) is no port of TCP")
}
