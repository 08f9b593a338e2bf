//! The way from outside: that people who come to the public URL get to this server, as they are, and
//! that a WebSocket holds.

use std::cmp::Ordering;
use std::io::{Read as _, Write as _};

use anyhow::{Context as _, bail};
use chinwag_server::admin::{self, Act};
use chinwag_server::config::{Config, PublicUrl};
use chinwag_server::doctor::PROBE_FIELD;
use serde_json::Value;

use super::visit::Wire;
use super::{Report, configuration};

/// An address that nobody has (RFC 5737). It stands for what a stranger writes into the field himself.
const FORGED: &str = "203.0.113.77";
/// The key and what it is answered with in RFC 6455, 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// The code that closes a socket whose token is wrong.
const UNAUTHORIZED: u16 = 4401;

pub(super) fn check(config: &Config, is_running: bool) -> Report {
    let mut report = Report::new("outside");
    let Some(url) = &config.public_url else {
        report.ok("there is no public URL: people come to the port itself");
        return report;
    };
    if !is_running {
        let origin = url.origin();
        report.ok(format!("the server does not run, so the way to it from {origin} is not tried"));
        return report;
    }
    if let Err(error) = http(&mut report, config, url) {
        report.error(
            format!("{} cannot be reached from here: {error:#}", url.origin()),
            "look at DNS, firewall and proxy; where this machine may not go out by that name, try from \
             another",
        );
        return report;
    }
    match socket(url) {
        Ok(()) => report.ok("a WebSocket opens, and frames go both ways"),
        Err(error) => report.error(
            format!("a WebSocket does not get through: {error:#}"),
            "let the proxy pass Upgrade and Connection on, as deploy/proxy/nginx.conf does",
        ),
    }
    report
}

/// Asks for something through whatever is in front, and looks at what arrived.
fn http(report: &mut Report, config: &Config, url: &PublicUrl) -> anyhow::Result<()> {
    let begun = admin::act_on_running(config, &Act::ProbeBegin).context("the server is gone")??;
    let word = begun.json()["word"].as_str().unwrap_or_default().to_owned();
    let mut wire = Wire::open(url)?;
    if let Some(certificate) = wire.certificate() {
        configuration::ends(report, &format!("the certificate of {}", url.host()), &certificate);
    }
    let fields =
        [(PROBE_FIELD, word.as_str()), ("X-Forwarded-For", FORGED), ("Connection", "close")];
    let head = wire.ask(url, "/livez", &fields)?;
    let said = wire.rest();
    match admin::act_on_running(config, &Act::ProbeEnd { word }) {
        Some(Ok(seen)) => {
            report.ok(format!("{} leads to this server, with the right Host", url.origin()));
            hops(report, config.trusted_hops, &seen.json());
        }
        _ => stray(report, url, head.status, &said),
    }
    Ok(())
}

/// Something answered, and it was not this server's own answer to the question.
fn stray(report: &mut Report, url: &PublicUrl, status: u16, said: &str) {
    let origin = url.origin();
    if status == 403 && said.contains("the host is not this server's") {
        return report.error(
            format!("what is in front of {origin} passes another Host on"),
            "let the proxy pass Host on as it came: `proxy_set_header Host $http_host;` in nginx",
        );
    }
    if (300..400).contains(&status) {
        return report.error(
            format!("{origin} leads elsewhere ({status})"),
            "say the address that it leads to in --public-url",
        );
    }
    report.error(
        format!("{origin} is answered by something else ({status})"),
        "let the proxy pass everything on to the address of --listen",
    );
}

/// How many proxies add themselves, seen by what stands behind the address that a stranger wrote.
fn hops(report: &mut Report, trusted: u8, seen: &Value) {
    let entries: Vec<&str> =
        seen["forwarded"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let forged = entries.iter().rposition(|entry| *entry == FORGED);
    let added = forged.map_or(entries.len(), |place| entries.len() - place - 1);
    let what = match added {
        0 => "no proxy adds itself".to_owned(),
        1 => "one proxy adds itself".to_owned(),
        added => format!("{added} proxies add themselves"),
    };
    let advice = format!("--trusted-hops {added}");
    match usize::from(trusted).cmp(&added) {
        Ordering::Equal => {
            let address = seen["address"].as_str().unwrap_or_default();
            report.ok(format!("{what}, as --trusted-hops says: this counts as {address}"));
        }
        Ordering::Greater => report.error(
            format!("{what}, and {trusted} are trusted: anyone can pretend any address"),
            advice,
        ),
        Ordering::Less => report.warn(
            format!("{what}, and {trusted} are trusted: all people count as one address"),
            advice,
        ),
    }
}

/// Opens a WebSocket as a browser would and says `hello` with no good token: that is answered by a
/// close, so frames have gone both ways.
fn socket(url: &PublicUrl) -> anyhow::Result<()> {
    let mut wire = Wire::open(url)?;
    let fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Protocol", "chinwag.v1"),
        ("Origin", url.origin()),
    ];
    let head = wire.ask(url, "/v1/ws", &fields)?;
    if head.status != 101 {
        bail!("it is answered with {} instead of 101", head.status);
    }
    if head.field("sec-websocket-accept") != Some(ACCEPT) {
        bail!("the handshake is answered by something that does not know how");
    }
    wire.write_all(&text_frame(br#"{"type":"hello","token":"of-the-doctor"}"#))?;
    wire.flush()?;
    let mut frame = [0; 4];
    wire.read_exact(&mut frame).context("no frame comes back")?;
    // A close frame begins with its code (RFC 6455, 5.5.1).
    match frame {
        [0x88, _, high, low] if u16::from_be_bytes([high, low]) == UNAUTHORIZED => Ok(()),
        frame => bail!("another frame comes back than was expected ({frame:02x?})"),
    }
}

/// A text of less than 126 bytes, masked with zero, which a client may (RFC 6455, 5.3).
fn text_frame(text: &[u8]) -> Vec<u8> {
    let head = [0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
    [head.as_slice(), text].concat()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::doctor::Level;
    use crate::settings::Settings;

    fn found(trusted: u8, forwarded: &[&str]) -> (Level, Option<String>) {
        let mut report = Report::new("outside");
        hops(&mut report, trusted, &json!({"forwarded": forwarded, "address": "192.0.2.1"}));
        let finding = report.findings.remove(0);
        (finding.level, finding.advice)
    }

    #[test]
    fn the_proxies_in_front_are_counted_by_what_they_add() {
        let good = (Level::Ok, None);
        let say = |hops: u8| Some(format!("--trusted-hops {hops}"));
        assert_eq!(found(1, &[FORGED, "192.0.2.1"]), good);
        assert_eq!(found(1, &["192.0.2.1"]), good, "one that takes the forged one away");
        assert_eq!(found(0, &[FORGED]), good, "nobody is in front");
        assert_eq!(found(2, &[FORGED, "192.0.2.1", "10.0.0.1"]), good);
        assert_eq!(found(2, &[FORGED, "192.0.2.1"]), (Level::Error, say(1)));
        assert_eq!(found(1, &[FORGED]), (Level::Error, say(0)));
        assert_eq!(found(0, &[FORGED, "192.0.2.1"]), (Level::Warning, say(1)));
    }

    #[test]
    fn what_answers_instead_is_told_apart() {
        let mut raw = Settings::nothing().raw().expect("the defaults are good");
        raw.public_url = Some("https://chat.example".to_owned());
        let url = Config::new(raw).expect("it can be").public_url.expect("it was given");
        let what = |status, said| {
            let mut report = Report::new("outside");
            stray(&mut report, &url, status, said);
            report.findings.remove(0).what
        };
        assert!(what(403, "the host is not this server's; if …").contains("another Host"));
        assert!(what(301, "").contains("leads elsewhere"));
        assert!(what(502, "Bad Gateway").contains("something else (502)"));
    }
}
