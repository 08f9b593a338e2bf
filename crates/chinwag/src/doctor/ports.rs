//! The ports: free, or answered by this server.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use chinwag_server::config::Config;

use super::{Report, Running};
use crate::healthcheck;

pub(super) fn check(config: &Config, running: Option<&Running>) -> Report {
    let mut report = Report::new("ports");
    match running {
        Some(running) => answered(&mut report, config, running),
        None => {
            report.ok("no server runs on this folder");
            free(&mut report, "--listen", config.listen);
            if let Some(address) = config.metrics_listen {
                free(&mut report, "--metrics-listen", address);
            }
        }
    }
    report
}

fn answered(report: &mut Report, config: &Config, running: &Running) {
    let Running { version, listen } = running;
    let mine = env!("CARGO_PKG_VERSION");
    if version != mine {
        let what = format!("the server that runs is version {version}, and this is {mine}");
        report.warn(what, "restart it");
    }
    if *listen != config.listen.to_string() {
        let what = format!("the server listens on {listen}, and would on {}", config.listen);
        let advice = "run this with the server's own options; or restart it, if they are new";
        report.warn(what, advice);
    }
    match listen.parse::<SocketAddr>().map(healthcheck::ready) {
        Ok(Ok(())) => report.ok(format!("this server answers on {listen}, and is ready")),
        Ok(Err(error)) => report.error(format!("{error:#}"), "its log says why"),
        Err(_) => report.warn("where the server listens is not known", "its log says where"),
    }
    match config.metrics_listen.map(healthcheck::has_figures) {
        None => {}
        Some(Ok(())) => report.ok("its figures are answered on --metrics-listen"),
        Some(Err(error)) => report.error(
            format!("{error:#} (--metrics-listen)"),
            "run this with the server's own options; or restart it, if they are new",
        ),
    }
}

/// Takes the port for a moment.
fn free(report: &mut Report, flag: &str, address: SocketAddr) {
    let Err(error) = TcpListener::bind(address) else {
        return report.ok(format!("{address} ({flag}) is free"));
    };
    let advice = match error.kind() {
        ErrorKind::AddrInUse => format!(
            "another program has it (`ss -ltnp` names it): stop that one, or name another port with {flag}"
        ),
        ErrorKind::PermissionDenied => {
            "it is below 1024: name another, or use the systemd unit, which may".to_owned()
        }
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address: `ip address` shows those that it has".to_owned()
        }
        _ => format!("name another with {flag}"),
    };
    report.error(format!("{address} ({flag}) cannot be had: {error}"), advice);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn a_port_is_free_or_it_is_said_why_not() {
        let found = |address: SocketAddr| {
            let mut report = Report::new("ports");
            free(&mut report, "--listen", address);
            report.findings.remove(0)
        };
        assert_eq!(found(([127, 0, 0, 1], 0).into()).level, Level::Ok);
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let finding = found(taken.local_addr().expect("an address"));
        assert_eq!(finding.level, Level::Error);
        assert!(finding.advice.is_some_and(|advice| advice.contains("another program")));
        let elsewhere = found("192.0.2.1:1025".parse().expect("an address"));
        assert!(elsewhere.advice.is_some_and(|advice| advice.contains("no such address")));
    }
}
