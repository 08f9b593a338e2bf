//! What the client reads: the frames of a server, which may be anyone's, and its own file.

use std::path::{Path, PathBuf};

use chinwag_client::outbox::OutboxFile;
use chinwag_client::sync::{Command, Kept, PENDING_MAX, Sync};
use chinwag_proto::frame::ServerFrame;
use chinwag_proto::id::{Key, RoomId};

/// Each line is a frame. A client that is told nonsense keeps what it has not sent, and stands.
pub(super) fn server_frames(bytes: &[u8]) {
    let mut sync = Sync::new();
    sync.restore([kept(1)]);
    let _ = sync.connect("token");
    for line in bytes.split(|&byte| byte == b'\n') {
        let Ok(frame) = serde_json::from_slice::<ServerFrame>(line) else {
            continue;
        };
        let written = serde_json::to_vec(&frame).expect("a frame serialises");
        let again: ServerFrame = serde_json::from_slice(&written).expect("it reads back");
        assert_eq!(again, frame);
        let _ = sync.apply(frame);
        assert!(sync.pending().len() <= PENDING_MAX);
    }
    for room in sync.rooms_by_activity() {
        let _ = (room.unread(), room.timeline().newest().count(), room.tick(room.cursor()));
    }
    let _ = (sync.deliver(), sync.retry(), sync.timeout());
    sync.disconnect();
    let _ = sync.connect("token");
}

/// What opens opens again with the same, and takes one more; what does not is left as it was.
pub(super) fn outbox_file(bytes: &[u8]) {
    let folder = tempfile::tempdir_in(memory()).expect("a folder");
    let path = folder.path().join("outbox");
    std::fs::write(&path, bytes).expect("a file");
    let Some(mut before) = open(&path) else {
        assert_eq!(std::fs::read(&path).expect("it is there"), bytes);
        return;
    };
    assert_eq!(open(&path).as_ref(), Some(&before));
    OutboxFile::at(&path).expect("it opened before").add(&kept(7)).expect("it is kept");
    before.push(kept(7));
    assert_eq!(open(&path), Some(before));
}

fn open(path: &Path) -> Option<Vec<Kept>> {
    OutboxFile::at(path).ok().map(|outbox| outbox.open().cloned().collect())
}

/// Where files cost nothing, if there is such a place.
fn memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

fn kept(number: u64) -> Kept {
    let (room, key) = (RoomId::from_i64(7), Key::new(number, u128::from(number)));
    Kept { room, key, command: Command::Message { text: format!("number {number}\n") } }
}
