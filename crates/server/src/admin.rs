//! What the operator does, who is whoever can read the database, at a shell of this machine.
//!
//! Each act is a row of [`Act`] and a handler in `acts`. On a running server it comes in through a
//! socket in the data folder, which only the server's user can open; on a stopped one the store is
//! opened for it. Either way it is the same handler and the same writer.

mod acts;
mod answer;
pub(crate) mod socket;

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use chinwag_core::access::{Rank, Registration};
pub use chinwag_core::id::{RoomId, SessionId};
use chinwag_store::{DATABASE_FILE, Options, Store, StoreError};
use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;

pub use answer::{Answer, Table};

use crate::clock;
use crate::config::Config;
use acts::Desk;

/// The socket's file in the data folder.
const SOCKET_FILE: &str = "chinwag.sock";
/// Bytes of one question; the longest has an invite's code.
const QUESTION_BYTES_MAX: u64 = 16 * 1024;
/// Bytes of one answer: a page of the longest names.
const ANSWER_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the operator can do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "act")]
pub enum Act {
    UsersList {
        after: Option<String>,
        limit: usize,
    },
    UserShow {
        who: Who,
    },
    UserRank {
        who: Who,
        rank: String,
    },
    UserDelete {
        who: Who,
    },
    UserReset {
        who: Who,
    },
    RoomsList {
        after: Option<RoomId>,
        limit: usize,
    },
    RoomShow {
        room: RoomId,
    },
    RoomMembers {
        room: RoomId,
        after: Option<String>,
        limit: usize,
    },
    SessionsList {
        who: Who,
    },
    SessionRevoke {
        session: SessionId,
    },
    SessionsRevoke {
        who: Who,
    },
    InvitesList,
    InviteMake {
        uses: u32,
        days: u32,
    },
    InviteRevoke {
        code: String,
    },
    RegistrationShow,
    /// To one of the names, or none for the default.
    RegistrationSet {
        registration: Option<String>,
    },
    Limits,
    Statistics,
    Audit {
        before: Option<u64>,
        limit: usize,
    },
    /// Await a request that comes from outside, and tell what arrived: for the doctor.
    ProbeBegin,
    ProbeEnd {
        word: String,
    },
}

/// A user as the operator types it: a handle, with or without `@`, or an id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Who(pub String);

impl Act {
    /// The names that a rank has.
    pub fn ranks() -> impl Iterator<Item = &'static str> {
        Rank::ALL.iter().map(|rank| rank.name())
    }

    /// The names that registration has.
    pub fn registrations() -> impl Iterator<Item = &'static str> {
        Registration::ALL.iter().map(|registration| registration.name())
    }
}

/// What comes back over the socket.
#[derive(Serialize, Deserialize)]
enum Reply {
    Done(Answer),
    Refused(String),
}

/// Where the socket of the server on this folder is.
fn socket_path(data: &Path) -> PathBuf {
    data.join(SOCKET_FILE)
}

/// Does one act by the server that runs on the folder; none where none does, or it cannot be reached.
#[must_use]
pub fn act_on_running(config: &Config, act: &Act) -> Option<anyhow::Result<Answer>> {
    let stream = UnixStream::connect(socket_path(&config.data)).ok()?;
    Some(over(stream, act).and_then(Reply::into_result))
}

/// Does one act: by the server that runs on the folder, else by opening the store.
pub fn act(config: &Config, act: &Act) -> anyhow::Result<Answer> {
    let path = socket_path(&config.data);
    match UnixStream::connect(&path) {
        Ok(stream) => over(stream, act).with_context(|| path.display().to_string())?.into_result(),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let owner = std::fs::metadata(&path).map(|socket| socket.uid());
            bail!("{}: only the server's own user may: {}", path.display(), run_as(owner.ok()))
        }
        // No socket, or one that a server left which was killed.
        Err(_) => alone(config, act)?.into_result(),
    }
}

impl Reply {
    fn into_result(self) -> anyhow::Result<Answer> {
        match self {
            Self::Done(answer) => Ok(answer),
            Self::Refused(why) => Err(anyhow!(why)),
        }
    }
}

/// Asks the running server.
fn over(mut stream: UnixStream, act: &Act) -> anyhow::Result<Reply> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&serde_json::to_vec(act)?)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut reply = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut reply).context("the server did not answer")?;
    serde_json::from_slice(&reply).context("the server is of another version, or leaves just now")
}

/// Opens the store of a stopped server.
fn alone(config: &Config, act: &Act) -> anyhow::Result<Reply> {
    let folder = &config.data;
    let Ok(database) = std::fs::metadata(folder.join(DATABASE_FILE)) else {
        bail!("there is no installation in {}: name its folder with --data", folder.display());
    };
    // What another user makes there, the server's own cannot open any more.
    if database.uid() != rustix::process::geteuid().as_raw() {
        let how = run_as(Some(database.uid()));
        bail!("the database in {} belongs to another user: {how}", folder.display());
    }
    let options = Options {
        folder: folder.clone(),
        readers: 1,
        now_ms: clock::wall_ms,
        random: clock::random,
    };
    let store = match Store::open(options, Box::new(|_| {})) {
        Err(StoreError::InUse { folder, by }) => bail!(
            "{} is in use by {by}, which does not answer at {SOCKET_FILE}: it starts or leaves just \
             now, or its log says why",
            folder.display()
        ),
        opened => opened?,
    };
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let reply = runtime.block_on(Desk { store: &store, config, app: None }.reply(act.clone()));
    store.close();
    Ok(reply)
}

fn run_as(user: Option<u32>) -> String {
    user.map_or_else(
        || "run it as that user".to_owned(),
        |user| format!("run it as that user, `sudo -u '#{user}' chinwag …`"),
    )
}
