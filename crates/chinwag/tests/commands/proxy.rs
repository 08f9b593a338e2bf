//! A proxy in front of a server, as good or as bad as a test wants it.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, OnceLock};

/// What the proxy does to what passes through.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manners {
    /// It says another `Host`.
    pub(crate) other_host: bool,
    /// It keeps `Upgrade` to itself.
    pub(crate) keeps_upgrade: bool,
}

/// It adds whom it was asked by to `X-Forwarded-For`. Where it leads to is said later, because the
/// server wants to know its address.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    to: Arc<OnceLock<SocketAddr>>,
}

impl Proxy {
    pub(crate) fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let to: Arc<OnceLock<SocketAddr>> = Arc::default();
        let known = Arc::clone(&to);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let to = *known.get().expect("the server is there before its clients");
                std::thread::spawn(move || pass(client, to, manners));
            }
        });
        Self { address, to }
    }

    pub(crate) fn lead_to(&self, server: SocketAddr) {
        self.to.set(server).expect("once");
    }
}

/// The head of one request, changed, and then all bytes as they are.
fn pass(client: TcpStream, to: SocketAddr, manners: Manners) -> Option<()> {
    let mut server = TcpStream::connect(to).ok()?;
    let peer = client.peer_addr().ok()?.ip();
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "x-forwarded-for" => head += &format!("{}, {peer}\r\n", line.trim_end()),
            "host" if manners.other_host => head += "Host: backend.example\r\n",
            "upgrade" if manners.keeps_upgrade => {}
            _ => head += &line,
        }
    }
    server.write_all(head.as_bytes()).ok()?;
    let from = server.try_clone().ok()?;
    let back = std::thread::spawn(move || copy(from, &client));
    copy(reader, &server);
    back.join().ok()
}

fn copy(mut from: impl Read, mut to: &TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
