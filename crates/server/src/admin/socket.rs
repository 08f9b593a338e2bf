//! The running server's door for the operator: a socket in the data folder, which only the server's
//! own user can open. It needs no secret: who can open it can read the database beside it.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};

use super::acts::Desk;
use super::{Act, PATIENCE, QUESTION_BYTES_MAX, Reply, socket_path};
use crate::accept::Phase;
use crate::app::App;

/// Acts at once; the others wait in the socket's backlog.
const AT_ONCE_MAX: usize = 8;
/// How long the loop rests when the system has no descriptor left.
const EXHAUSTED_REST: Duration = Duration::from_millis(100);

/// The socket, open. Its file goes with it.
#[derive(Debug)]
pub(crate) struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Door {
    /// Opens the socket in the data folder, on a runtime's thread. The store's lock is ours, so one that
    /// is there is of a server that was killed. Where none can be made, that is said, and the server
    /// does without.
    pub(crate) fn open(data: &Path) -> Option<Self> {
        let path = socket_path(data);
        let warn = |error: std::io::Error| {
            let path = path.display();
            tracing::warn!(%path, %error, "`chinwag admin` cannot reach this server");
        };
        Self::bind(&path).map_err(warn).ok()
    }

    fn bind(path: &Path) -> std::io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let door = Self { listener: UnixListener::bind(path)?, path: path.to_owned() };
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(door)
    }

    /// Answers the operator until the server drains.
    pub(crate) async fn serve(self, app: Arc<App>, mut phase: watch::Receiver<Phase>) {
        let at_once = Arc::new(Semaphore::new(AT_ONCE_MAX));
        let next = async || {
            let permit = Arc::clone(&at_once).acquire_owned().await;
            (permit, self.listener.accept().await)
        };
        loop {
            let (permit, accepted) = tokio::select! {
                next = next() => next,
                _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    let app = Arc::clone(&app);
                    tokio::spawn(async move {
                        let served = tokio::time::timeout(PATIENCE, serve(&app, stream)).await;
                        if let Ok(Err(error)) = served {
                            tracing::debug!(%error, "the operator went away");
                        }
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the operator cannot be heard for a moment");
                    tokio::time::sleep(EXHAUSTED_REST).await;
                }
            }
        }
    }
}

async fn serve(app: &App, mut stream: UnixStream) -> std::io::Result<()> {
    // Who came in before the file was taken away from all others.
    let uid = stream.peer_cred()?.uid();
    if uid != 0 && uid != rustix::process::geteuid().as_raw() {
        return Err(ErrorKind::PermissionDenied.into());
    }
    let mut question = Vec::new();
    (&mut stream).take(QUESTION_BYTES_MAX).read_to_end(&mut question).await?;
    let reply = match serde_json::from_slice::<Act>(&question) {
        Ok(act) => Desk { store: &app.store, config: &app.config, app: Some(app) }.reply(act).await,
        Err(_) => {
            let version = env!("CARGO_PKG_VERSION");
            Reply::Refused(format!("the server is version {version} and does not know this"))
        }
    };
    stream.write_all(&serde_json::to_vec(&reply)?).await
}
