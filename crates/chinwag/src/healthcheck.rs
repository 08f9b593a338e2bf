//! `chinwag healthcheck`: asks the server on this machine whether it is ready. For a container's health check, where
//! there is neither shell nor `curl`.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::serve;

/// For each of connecting, asking and being answered. A server that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(3);

/// More than `/readyz` ever says.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Prints `ready`, or fails with what is wrong.
pub(crate) fn run(flags: &serve::Flags) -> anyhow::Result<()> {
    let address = near(serve::listen(flags)?);
    let answer = ask(address).with_context(|| {
        format!("no answer from {address}: is it running, and is --listen the same?")
    })?;
    judge(&answer)?;
    println!("ready");
    Ok(())
}

/// Where this machine reaches what listens there: every interface is also loopback.
fn near(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The status says whether, the body says why not.
fn judge(answer: &str) -> anyhow::Result<()> {
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status = status.context("what answered is no HTTP server")?;
    if status != "200" {
        let why = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim());
        bail!("not ready ({status}): {why}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_asked_over_loopback() {
        let of = |address: &str| near(address.parse().expect("an address")).to_string();
        assert_eq!(of("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(of("[::]:8080"), "[::1]:8080");
        assert_eq!(of("10.1.2.3:80"), "10.1.2.3:80");
    }

    #[test]
    fn only_200_is_ready_and_the_reason_is_told() {
        assert!(judge("HTTP/1.1 200 OK\r\n\r\nok\n").is_ok());
        let said = |answer| judge(answer).expect_err("it is not ready").to_string();
        let draining = "HTTP/1.1 503 Service Unavailable\r\n\r\ndraining\n";
        assert_eq!(said(draining), "not ready (503): draining");
        assert_eq!(said("SSH-2.0-x\r\n"), "what answered is no HTTP server");
    }
}
