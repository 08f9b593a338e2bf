//! A small disk that only the server sees, so that it can be filled: a `tmpfs` in a name space that a
//! process holds open. The test reaches it by way of that process.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Bytes that are written at once to fill it.
const CHUNK_BYTES: usize = 64 * 1_024;

pub(crate) struct SmallDisk {
    holder: Child,
    /// Where the server sees it.
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one on `folder`; none where the system lets nobody.
    pub(crate) fn open(folder: &Path, mib: u32) -> Option<Self> {
        fs::create_dir(folder).expect("the folder above is ours");
        let mount =
            format!("mount -t tmpfs -o size={mib}m,mode=700 tmpfs \"$0\" && echo && exec cat");
        let mut unshare = Command::new("unshare");
        unshare.args(["-r", "-m", "sh", "-c", &mount]).arg(folder);
        unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut holder = unshare.spawn().ok()?;
        let output = holder.stdout.take().expect("it is piped");
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        let disk = Self { holder, folder: folder.to_owned() };
        matches!(read, Ok(1..)).then_some(disk)
    }

    /// What a program is started below to see it.
    pub(crate) fn enter(&self) -> Vec<String> {
        let holder = self.holder.id().to_string();
        let words = ["nsenter", "--preserve-credentials", "-U", "-m", "-t", &holder, "--"];
        words.map(str::to_owned).to_vec()
    }

    /// Where the test sees it.
    pub(crate) fn path(&self) -> PathBuf {
        let folder = self.folder.strip_prefix("/").expect("the path is absolute");
        Path::new(&format!("/proc/{}/root", self.holder.id())).join(folder)
    }

    /// Leaves no room.
    pub(crate) fn fill(&self) {
        let mut filler = File::create(self.filler()).expect("a file can be made");
        loop {
            if let Err(error) = filler.write_all(&[0; CHUNK_BYTES]) {
                return assert_eq!(error.kind(), ErrorKind::StorageFull);
            }
        }
    }

    /// Gives the room back.
    pub(crate) fn clear(&self) {
        fs::remove_file(self.filler()).expect("it was filled");
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It may never have come so far.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
