//! What the server is told: that it can be, that it goes together, and who else can change it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use chinwag_server::config::{Config, Registration, Tls, TlsFiles};
use chinwag_server::doctor::{CERTIFICATE_SOON_DAYS, certificate, certificate_ends_s};

use super::Report;
use crate::moment;
use crate::options::{self, SETTINGS};
use crate::settings::{Settings, Source};

const DAY_S: u64 = 24 * 3_600;

/// The configuration, where there is one to go on with.
pub(super) fn check(report: &mut Report, settings: anyhow::Result<Settings>) -> Option<Config> {
    let start = "the server does not start with this: `chinwag config` shows who said what";
    let settings = settings.map_err(|error| report.error(format!("{error:#}"), start)).ok()?;
    let raw = settings.raw().map_err(|error| report.error(format!("{error:#}"), start)).ok()?;
    let config = Config::new(raw).map_err(|error| report.error(error.to_string(), start)).ok()?;
    report.ok(format!("loads; people come to {}", config.origin()));
    file(report, &settings);
    variables(report, std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()));
    together(report, &config);
    if let Some(Tls::Files(files)) = &config.tls {
        tls(report, files);
    }
    Some(config)
}

/// Whoever can write the file can send the server elsewhere.
fn file(report: &mut Report, settings: &Settings) {
    if let Some(path) = settings.file().filter(|path| mode(path) & 0o002 != 0) {
        let what = format!("everyone on this machine can change {}", path.display());
        report.error(what, format!("chmod o-w {}", path.display()));
    }
    for said in settings.all() {
        if let Source::VariableFile(variable, path) = &said.source
            && mode(path) & 0o004 != 0
        {
            let what = format!("everyone on this machine can read {} ({variable})", path.display());
            report.warn(what, "chmod o-rwx, if it is a secret");
        }
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).map_or(0, |file| file.permissions().mode())
}

/// A variable that is almost an option's is none, and nobody is told.
fn variables(report: &mut Report, names: impl Iterator<Item = String>) {
    let known: Vec<String> = SETTINGS
        .iter()
        .flat_map(|setting| [Some(setting.variable()), setting.file_variable()])
        .flatten()
        .collect();
    for name in names.filter(|name| name.starts_with("CHINWAG_") && !known.contains(name)) {
        let nearest = options::nearest(&name, known.iter().map(String::as_str));
        let advice = nearest
            .map_or_else(|| "take it away".to_owned(), |nearest| format!("is {nearest} meant?"));
        report.warn(format!("the variable {name} is no option, and does nothing"), advice);
    }
}

/// What can be on its own and not with the rest.
fn together(report: &mut Report, config: &Config) {
    let is_near = config.listen.ip().is_loopback();
    let is_private = is_near && config.public_url.is_none();
    if !config.is_https() && !is_private {
        report.warn(
            "passwords and messages go over the network in the open",
            "put TLS in front and say --public-url https://…, or give --tls-cert and --tls-key",
        );
    }
    proxies(report, config, is_near);
    if !config.rate_limits {
        report.warn("rate limits are off", "--rate-limits on: off is for benches and tests");
    }
    if config.registration == Registration::Open && !is_private {
        report.warn(
            "anyone who can reach this server may make an account",
            "--registration invite, unless that is meant",
        );
    }
    if config.metrics_listen.is_some_and(|address| address.ip().is_unspecified()) {
        report.warn(
            "/metrics is answered on every interface",
            "--metrics-listen with the address that Prometheus comes to",
        );
    }
}

fn proxies(report: &mut Report, config: &Config, is_near: bool) {
    let is_behind = config.public_url.is_some() && config.tls.is_none();
    if is_behind && config.trusted_hops == 0 {
        report.warn(
            "there is a public URL and no proxy is trusted: behind one, all people count as one address",
            "--trusted-hops 1, if a proxy is in front (see what `outside` found)",
        );
    }
    if config.trusted_hops > 0 && config.public_url.is_none() {
        report.warn(
            "a proxy is trusted, and there is no public URL",
            "--public-url with the address that people type",
        );
    }
    if is_behind && !is_near {
        report.warn(
            format!("others reach {} without the proxy in front, and its TLS", config.listen),
            "--listen 127.0.0.1:8080, if the proxy is on this machine; else let the firewall see to it",
        );
    }
}

fn tls(report: &mut Report, files: &TlsFiles) {
    match certificate(files) {
        Err(error) => report.error(error.to_string(), "the server does not start with these files"),
        Ok(own) => ends(report, &format!("{}", files.cert.display()), &own),
    }
    if mode(&files.key) & 0o007 != 0 {
        let key = files.key.display();
        let what = format!("everyone on this machine can read the private key {key}");
        report.error(what, format!("chmod o-rwx {key}, and get another: it may be known"));
    }
}

/// Says until when a certificate (DER) is good.
pub(super) fn ends(report: &mut Report, name: &str, certificate: &[u8]) {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let Some(ends_s) = certificate_ends_s(certificate) else {
        return report.warn(format!("until when {name} is good cannot be told"), "look at it");
    };
    let at = moment::utc(ends_s);
    match ends_s.checked_sub(now_s) {
        None | Some(0) => report.error(format!("{name} has expired at {at}"), "renew it now"),
        Some(left_s) if left_s <= CERTIFICATE_SOON_DAYS * DAY_S => {
            let days = left_s / DAY_S;
            let advice = "renew it: what renews by itself does so 30 days before";
            report.warn(format!("{name} ends in {days} days, at {at}"), advice);
        }
        Some(_) => report.ok(format!("{name} is good until {at}")),
    }
}

#[cfg(test)]
mod tests {
    use chinwag_server::config::RawConfig;

    use super::*;
    use crate::doctor::Level;

    #[track_caller]
    fn check(change: impl FnOnce(&mut RawConfig), expected: &[&str]) {
        let mut raw = Settings::nothing().raw().expect("the defaults are good");
        change(&mut raw);
        let mut report = Report::new("configuration");
        together(&mut report, &Config::new(raw).expect("it can be"));
        let found = report.findings;
        assert!(found.iter().all(|it| it.level == Level::Warning && it.advice.is_some()));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.what.contains(expected), "{found:?}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_found() {
        check(|_| {}, &[]);
        let behind = |raw: &mut RawConfig, url: &str, hops| {
            raw.public_url = Some(url.to_owned());
            raw.trusted_hops = hops;
        };
        check(|raw| behind(raw, "https://chat.example", 1), &[]);
        check(|raw| behind(raw, "https://chat.example", 0), &["no proxy is trusted"]);
        check(|raw| behind(raw, "http://chat.example", 1), &["in the open"]);
        check(|raw| raw.trusted_hops = 1, &["there is no public URL"]);
        check(|raw| raw.listen = ([0, 0, 0, 0], 80).into(), &["in the open"]);
        check(
            |raw| {
                behind(raw, "https://chat.example", 1);
                raw.listen = ([0, 0, 0, 0], 80).into();
                raw.registration = Some(Registration::Open);
                raw.rate_limits = false;
                raw.metrics_listen = Some(([0, 0, 0, 0], 9100).into());
            },
            &["without the proxy", "rate limits", "may make an account", "/metrics"],
        );
    }

    #[test]
    fn a_variable_that_is_almost_one_is_named() {
        let mut report = Report::new("configuration");
        let names = ["CHINWAG_PUBLICURL", "CHINWAG_DATA", "CHINWAG_PUBLIC_URL_FILE", "PATH"];
        variables(&mut report, names.map(str::to_owned).into_iter());
        let [found] = &report.findings[..] else { panic!("{report:?}") };
        assert!(found.what.contains("CHINWAG_PUBLICURL"), "{found:?}");
        assert_eq!(found.advice.as_deref(), Some("is CHINWAG_PUBLIC_URL meant?"));
    }
}
