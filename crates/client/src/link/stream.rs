//! An event stream in a WebSocket's place: one task reads it, another says by REST what is to be said,
//! one thing after the other, and hands on the answers as frames.

use std::sync::{Arc, OnceLock};

use chinwag_proto::code::CloseCode;
use chinwag_proto::encode::json;
use chinwag_proto::frame::{ClientFrame, Hello, ServerFrame};
use chinwag_proto::stream::{EventReader, Heard};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;

use super::http::{Answer, Connection, Request, part, whole};
use super::say::{Saying, refusal, say};
use super::{LinkError, MESSAGE_BYTES_MAX};

/// Commands that wait to be said: more than the sync has in flight at once, one a room and its
/// questions. Beyond it the connection ends, and all is said again on the next.
const SAID_MAX: usize = 2_048;
/// Frames that were read and not taken; beyond it no more is read.
const HEARD_MAX: usize = 256;

type Came = Result<ServerFrame, LinkError>;

/// See the module. Dropped, it ends both.
#[derive(Debug)]
pub(super) struct Stream {
    address: String,
    say: Sender<ClientFrame>,
    said: Option<Receiver<ClientFrame>>,
    hear: Sender<Came>,
    heard: Receiver<Came>,
    tasks: JoinSet<()>,
}

impl Stream {
    pub(super) fn new(address: &str) -> Self {
        let (say, said) = channel(SAID_MAX);
        let (hear, heard) = channel(HEARD_MAX);
        let (said, tasks) = (Some(said), JoinSet::new());
        Self { address: address.to_owned(), say, said, hear, heard, tasks }
    }

    /// Takes what is to be said. The first is `hello`.
    pub(super) fn send(&mut self, frame: &ClientFrame) -> Result<(), LinkError> {
        if let ClientFrame::Hello(hello) = frame
            && let Some(said) = self.said.take()
        {
            self.begin(hello, said);
            return Ok(());
        }
        let full = |_| LinkError::Refused("it is full".to_owned());
        self.say.try_send(frame.clone()).map_err(full)
    }

    fn begin(&mut self, hello: &Hello, mut said: Receiver<ClientFrame>) {
        let name = Arc::new(OnceLock::new());
        let listener = Listener {
            address: self.address.clone(),
            hello: json(hello),
            hear: self.hear.clone(),
            name: Arc::clone(&name),
        };
        self.tasks.spawn(async move {
            let Err(ended) = listener.listen().await else { return };
            let _ = listener.hear.send(Err(ended)).await;
        });
        let mut speaker =
            Speaker { address: self.address.clone(), token: hello.token.clone(), connection: None };
        let hear = self.hear.clone();
        self.tasks.spawn(async move {
            while let Some(frame) = said.recv().await {
                let Some(saying) = say(&frame, name.get().map(String::as_str)) else { continue };
                let frames = match speaker.say(&saying).await {
                    Ok(frames) => frames.into_iter().map(Ok).collect(),
                    Err(ended) => vec![Err(ended)],
                };
                for frame in frames {
                    if hear.send(frame).await.is_err() {
                        return;
                    }
                }
            }
        });
    }

    pub(super) async fn receive(&mut self) -> Came {
        let gone = || Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        self.heard.recv().await.unwrap_or_else(gone)
    }
}

/// Reads the stream.
struct Listener {
    address: String,
    hello: Vec<u8>,
    hear: Sender<Came>,
    name: Arc<OnceLock<String>>,
}

impl Listener {
    /// Hands on what is heard until there is no more; says why.
    async fn listen(&self) -> Result<(), LinkError> {
        let mut connection = Connection::open(&self.address).await?;
        let body = Some(&self.hello[..]);
        let request = Request { method: "POST", path: "/v1/stream", token: None, body };
        let Answer { status, mut body } = connection.ask(&request).await?;
        if status != 200 {
            return Err(refused(status, &whole(body, MESSAGE_BYTES_MAX).await?));
        }
        let (mut reader, mut events) = (EventReader::new(MESSAGE_BYTES_MAX), Vec::new());
        while let Some(part) = part(&mut body).await? {
            let long = |_| LinkError::Refused("an event has no end".to_owned());
            reader.take(&part, &mut events).map_err(long)?;
            for event in events.drain(..) {
                if let Some(frame) = self.frame(event)?
                    && self.hear.send(Ok(frame)).await.is_err()
                {
                    return Ok(());
                }
            }
        }
        Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into())
    }

    /// A sign of life is as good as the answer to a ping.
    fn frame(&self, event: Heard) -> Result<Option<ServerFrame>, LinkError> {
        match event {
            Heard::Beat => Ok(Some(ServerFrame::Pong)),
            Heard::Closed(code, reason) => Err(LinkError::Closed { code, reason }),
            Heard::Frame(json) => {
                let frame = serde_json::from_str(&json).ok();
                if let Some(ServerFrame::Ready(ready)) = &frame
                    && let Some(name) = &ready.stream
                {
                    let _ = self.name.set(name.clone());
                }
                Ok(frame)
            }
        }
    }
}

fn refused(status: u16, body: &[u8]) -> LinkError {
    match refusal(status, body) {
        Err(why) => why,
        Ok(problem) if status == 503 => {
            LinkError::Closed { code: Some(CloseCode::RESTART), reason: problem.message }
        }
        Ok(problem) => LinkError::Refused(format!("{status} {}", problem.message)),
    }
}

/// Says one thing after the other, on one connection while it is kept.
struct Speaker {
    address: String,
    token: String,
    connection: Option<Connection>,
}

impl Speaker {
    /// Says it, and once more where a connection was at its end already: its key makes it happen once.
    async fn say(&mut self, saying: &Saying) -> Result<Vec<ServerFrame>, LinkError> {
        let was_kept = self.connection.is_some();
        match self.say_once(saying).await {
            Err(LinkError::Io(_)) if was_kept => self.say_once(saying).await,
            said => said,
        }
    }

    async fn say_once(&mut self, saying: &Saying) -> Result<Vec<ServerFrame>, LinkError> {
        let mut connection = match self.connection.take().filter(Connection::is_open) {
            Some(connection) => connection,
            None => Connection::open(&self.address).await?,
        };
        let request = Request {
            method: saying.method,
            path: &saying.path,
            token: Some(&self.token),
            body: saying.body.as_deref(),
        };
        let Answer { status, body } = connection.ask(&request).await?;
        let body = whole(body, MESSAGE_BYTES_MAX).await?;
        self.connection = Some(connection);
        saying.answer(status, &body)
    }
}
