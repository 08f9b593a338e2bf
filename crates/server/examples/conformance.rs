//! The server with a route that echoes, for the WebSocket conformance suite. Prints
//! `listening ADDRESS` and serves until it is killed.

use chinwag_server::config::{Config, RawConfig, Registration};

fn main() -> anyhow::Result<()> {
    let data = std::env::args_os().nth(1).map(std::path::PathBuf::from);
    let config = Config::new(RawConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        public_url: None,
        data: data.ok_or_else(|| anyhow::anyhow!("usage: conformance FOLDER"))?,
        registration: Some(Registration::Closed),
        rate_limits: false,
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
    })?;
    let server = chinwag_server::run::start(config)?;
    let address = server.address();
    Ok(server.run_until_signalled(|| println!("listening {address}"), || {})?)
}
