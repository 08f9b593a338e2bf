//! Logs: lines that read alone, on standard error; JSON where nobody watches.

use std::env::{self, VarError};
use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

/// Starts logging. `CHINWAG_LOG` filters (`info` without it, or `debug`, `chinwag_store=debug` …).
pub(crate) fn start() -> anyhow::Result<()> {
    let said = match env::var("CHINWAG_LOG") {
        Err(VarError::NotPresent) => Ok("info".to_owned()),
        said => said,
    };
    let filter = said.map_err(anyhow::Error::from).and_then(|said| Ok(EnvFilter::try_new(said)?));
    let filter = filter.context("CHINWAG_LOG must be like info, debug or chinwag_store=debug")?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_target(false).init();
    } else {
        builder.json().flatten_event(true).init();
    }
    Ok(())
}
