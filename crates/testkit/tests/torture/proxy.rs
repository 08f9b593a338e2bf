//! A bad way to the server: what goes through it is late, comes in pieces, and is cut off.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

use crate::journal::{Journal, count};

/// Of a thousand pieces of an answer so many never come, and the connection ends in their place.
const ANSWERS_CUT: u64 = 8;
/// Of a thousand pieces of what is asked so many end in their middle.
const QUESTIONS_CUT: u64 = 4;
/// Of a thousand pieces so many are late, and by how much at most.
const LATE: u64 = 60;
const LATE_MS_MAX: u64 = 30;
const PIECE_BYTES: usize = 4 * 1_024;

/// See the module. It lives as long as its runtime.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    cuts: Rc<Cuts>,
}

/// How often it cut.
#[derive(Default)]
struct Cuts {
    /// After the server had answered, and before the one who asked had it.
    answers: Cell<u64>,
    questions: Cell<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToClient,
}

impl Proxy {
    /// Listens, and leads to this server.
    pub(crate) async fn open(server: SocketAddr, journal: Rc<Journal>) -> Self {
        let listener = TcpListener::bind((server.ip(), 0)).await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let cuts = Rc::<Cuts>::default();
        let counted = Rc::clone(&cuts);
        spawn_local(async move {
            while let Ok((client, _)) = listener.accept().await {
                spawn_local(lead(client, server, Rc::clone(&journal), Rc::clone(&counted)));
            }
        });
        Self { address, cuts }
    }

    /// Answers that never came, and questions that ended in their middle.
    pub(crate) fn cuts(&self) -> (u64, u64) {
        (self.cuts.answers.get(), self.cuts.questions.get())
    }
}

async fn lead(client: TcpStream, server: SocketAddr, journal: Rc<Journal>, cuts: Rc<Cuts>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Where one way ends the other is dropped, and both connections with it.
    tokio::select! {
        _ = carry(Way::ToServer, from_client, to_server, &journal, &cuts) => {}
        _ = carry(Way::ToClient, from_server, to_client, &journal, &cuts) => {}
    }
}

async fn carry(
    way: Way,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    journal: &Journal,
    cuts: &Cuts,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        if journal.draw(|random| random.chance(LATE)) {
            let late_ms = journal.draw(|random| random.below(LATE_MS_MAX));
            crate::rest(Duration::from_millis(late_ms)).await;
        }
        match way {
            Way::ToClient if journal.draw(|random| random.chance(ANSWERS_CUT)) => {
                count(&cuts.answers);
                return Ok(());
            }
            Way::ToServer if journal.draw(|random| random.chance(QUESTIONS_CUT)) => {
                count(&cuts.questions);
                return to.write_all(&piece[..length / 2]).await;
            }
            Way::ToClient | Way::ToServer => to.write_all(&piece[..length]).await?,
        }
    }
}
