//! A certificate from an authority: got, kept, renewed, and what happens where it is not given.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use chinwag_testkit::server::{Authority, DEADLINE, Server, trust};
use rustls::ClientConnection;
use rustls::pki_types::CertificateDer;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A server that asks this authority for a certificate of `localhost`.
fn server(authority: &Authority) -> Server {
    let server = Server::with(|raw| {
        raw.public_url = Some("https://localhost".to_owned());
        raw.acme = true;
        raw.acme_contact = Some("ann@example.org".to_owned());
        raw.acme_directory = Some(authority.directory.clone());
        raw.acme_root = Some(authority.root.clone());
    });
    authority.look_at(server.address());
    server
}

/// What a client is shown that trusts the authority alone.
fn shown(address: SocketAddr, root: &Path) -> io::Result<CertificateDer<'static>> {
    let name = "localhost".try_into().map_err(io::Error::other)?;
    let mut tls = ClientConnection::new(trust(root), name).map_err(io::Error::other)?;
    let mut tcp = TcpStream::connect_timeout(&address, DEADLINE)?;
    tcp.set_read_timeout(Some(DEADLINE))?;
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp)?;
    }
    let chain = tls.peer_certificates().unwrap_or_default();
    chain.first().map(|own| own.clone().into_owned()).ok_or_else(|| io::Error::other("none"))
}

/// Looks until it is as wanted, as a client would who tries again.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < DEADLINE, "it never came to this: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_certificate_is_got_and_outlives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::start(folder.path(), 90 * DAY);
    let mut server = server(&authority);
    let address = server.address();
    let first = until("a certificate", || shown(address, &authority.root).ok());
    assert_eq!(authority.done(), (1, 1));
    let kept = server.data().join("acme").join("127.0.0.1");
    for file in ["account.json", "localhost.pem"] {
        let mode = kept.join(file).metadata().expect("it is kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    server.restart();
    let again = shown(address, &authority.root).expect("it is there from the start");
    assert_eq!((first, authority.done()), (again, (1, 1)), "nothing was asked for again");
}

#[test]
fn it_is_renewed_before_it_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::start(folder.path(), Duration::from_secs(6));
    let server = server(&authority);
    let address = server.address();
    let first = until("a certificate", || shown(address, &authority.root).ok());
    let another = || {
        let now = shown(address, &authority.root).expect("one is good at any moment");
        (now != first).then_some(())
    };
    until("another certificate", another);
    assert_eq!(authority.done().0, 1, "with the same account");
}

/// Without a certificate nobody is let in, but the probes of the one who runs it; and what was kept
/// serves on.
#[test]
fn where_none_is_given_the_server_lives_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::start(folder.path(), 90 * DAY);
    authority.refuse(true);
    let mut server = server(&authority);
    let address = server.address();
    assert!(shown(address, &authority.root).is_err());
    let probe = chinwag_testkit::server::Door::new(address);
    assert_eq!(probe.request("GET", "/livez").send().status, 200);
    authority.refuse(false);
    server.restart();
    let kept = until("a certificate", || shown(address, &authority.root).ok());
    authority.refuse(true);
    server.restart();
    assert_eq!(shown(address, &authority.root).expect("the one that was kept"), kept);
    // What was spoilt is no reason not to start.
    server.stop();
    let file = server.data().join("acme").join("127.0.0.1").join("localhost.pem");
    std::fs::write(file, "nothing").expect("it is ours");
    authority.refuse(false);
    server.restart();
    let new = until("a new certificate", || shown(address, &authority.root).ok());
    assert_ne!(new, kept);
}
