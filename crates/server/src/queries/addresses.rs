//! Under which addresses others reach this server, for the one who invites them.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::State;
use chinwag_core::limit::ADDRESSES_MAX;
use chinwag_proto::code::{ErrorCode, Problem};
use chinwag_proto::rest::Addresses;

use crate::app::App;
use crate::auth::Caller;
use crate::config::Config;
use crate::http::answer::{Answer, Json};

pub(crate) async fn get(State(app): State<Arc<App>>, _: Caller) -> Answer<Json<Addresses>> {
    // The system is asked each time: a laptop moves from one network to the next.
    let urls = tokio::task::spawn_blocking(move || urls(&app.config, &interfaces())).await;
    let urls = urls.map_err(|_| Problem::retry(ErrorCode::Busy, "the node is leaving", 1_000))?;
    Ok(Json(Addresses { urls }))
}

/// The addresses of this machine's interfaces that are up; none where the system does not tell.
fn interfaces() -> Vec<IpAddr> {
    let all = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the addresses of this machine are not known");
        Vec::new()
    });
    all.iter().filter(|one| one.is_oper_up()).map(if_addrs::Interface::ip).collect()
}

/// The public URL alone where there is one, else where the listener is reached from outside: IPv4
/// before IPv6, as people can type it.
fn urls(config: &Config, interfaces: &[IpAddr]) -> Vec<String> {
    if let Some(url) = &config.public_url {
        return vec![url.origin().to_owned()];
    }
    let listen = config.listen.ip();
    let mut reached: Vec<IpAddr> = match listen {
        ip if !ip.is_unspecified() => vec![ip],
        IpAddr::V4(_) => interfaces.iter().copied().filter(IpAddr::is_ipv4).collect(),
        // A listener on `[::]` hears IPv4 too.
        IpAddr::V6(_) => interfaces.to_vec(),
    };
    reached.retain(is_reached_by_others);
    reached.sort_by_key(IpAddr::is_ipv6);
    reached.dedup();
    reached.truncate(ADDRESSES_MAX);
    let scheme = config.scheme();
    let url = |ip| format!("{scheme}://{}", SocketAddr::new(ip, config.listen.port()));
    reached.into_iter().map(url).collect()
}

/// False for this machine alone, and for link-local addresses (RFC 3927, RFC 4291), which mean
/// something else on each machine.
fn is_reached_by_others(ip: &IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local() && !ip.is_unspecified(),
        IpAddr::V6(ip) => {
            !ip.is_loopback() && !ip.is_unicast_link_local() && ip != Ipv6Addr::UNSPECIFIED
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawConfig;

    fn of(listen: &str, public_url: Option<&str>, interfaces: &[&str]) -> Vec<String> {
        let config = Config::new(RawConfig {
            listen: listen.parse().expect("an address"),
            public_url: public_url.map(str::to_owned),
            data: "x".into(),
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
        });
        let interfaces: Vec<IpAddr> =
            interfaces.iter().map(|ip| ip.parse().expect("an address")).collect();
        urls(&config.expect("a good configuration"), &interfaces)
    }

    const LAPTOP: [&str; 7] =
        ["127.0.0.1", "::1", "fe80::1", "2001:db8::7", "192.168.1.7", "169.254.3.4", "10.0.0.7"];

    #[test]
    fn the_public_url_is_the_only_one() {
        let urls = of("0.0.0.0:8080", Some("https://chat.example.org"), &LAPTOP);
        assert_eq!(urls, ["https://chat.example.org"]);
    }

    #[test]
    fn on_every_interface_others_reach_the_lan_addresses() {
        let v4 = ["http://192.168.1.7:8080", "http://10.0.0.7:8080"];
        assert_eq!(of("0.0.0.0:8080", None, &LAPTOP), v4);
        let both = [v4[0], v4[1], "http://[2001:db8::7]:8080"];
        assert_eq!(of("[::]:8080", None, &LAPTOP), both);
    }

    #[test]
    fn on_one_interface_others_reach_that_one() {
        assert_eq!(of("192.168.1.7:8080", None, &LAPTOP), ["http://192.168.1.7:8080"]);
        assert_eq!(of("[2001:db8::7]:81", None, &LAPTOP), ["http://[2001:db8::7]:81"]);
    }

    #[test]
    fn on_loopback_nobody_else_reaches_it() {
        for listen in ["127.0.0.1:8080", "127.9.9.9:8080", "[::1]:8080", "[::ffff:127.0.0.1]:8080"]
        {
            assert_eq!(of(listen, None, &LAPTOP), Vec::<String>::new(), "{listen}");
        }
    }

    #[test]
    fn nobody_reads_more_than_sixteen() {
        let many: Vec<String> = (1..=40).map(|n| format!("10.0.0.{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let urls = of("0.0.0.0:8080", None, &many);
        assert_eq!((urls.len(), urls[0].as_str()), (ADDRESSES_MAX, "http://10.0.0.1:8080"));
    }
}
