//! `chinwag serve`: the server, as it was told to be.

use std::io::Write as _;

use chinwag_server::config::Config;
use chinwag_server::run;

use crate::notify;
use crate::settings::{Flags, Settings};

/// Serves until a signal says stop.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<()> {
    let config = Config::new(Settings::of(flags)?.raw()?)?;
    let server = run::start(config)?;
    let mut out = std::io::stdout().lock();
    for line in server.welcome() {
        // Who has closed the other end does not want to know.
        let _ = writeln!(out, "{line}");
    }
    drop(out);
    tracing::info!(listen = %server.address(), "ready");
    notify::tell("READY=1");
    server.run_until_signalled(|| notify::tell("STOPPING=1"));
    Ok(())
}
