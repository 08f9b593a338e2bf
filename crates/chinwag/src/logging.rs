//! Logs: lines that read alone, on standard error; JSON where nobody watches.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging. `CHINWAG_LOG` filters (`info` without it, or `debug`, `chinwag_store=debug` …).
pub(crate) fn start() {
    let filter = EnvFilter::try_from_env("CHINWAG_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_target(false).init();
    } else {
        builder.json().flatten_event(true).init();
    }
}
